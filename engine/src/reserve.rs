//! Types whose rows one system alone makes, changes and ends, so that it may keep something beside the world that
//! follows from what it has written.
//!
//! Invariant: a row that holds a reserved type came from its owner, and goes by its owner's command only. Whoever
//! else commands it is refused: a system, a startup system or a setup by the failure of its commit, an input by
//! an answer of false, since its `Id`s come from outside. Recovery is nobody's command. Looked up by type for
//! each command on a type and each run of spawns, by table for despawns; never by row.

use crate::buffer::State;
use crate::builder::Registrar;
use crate::editor::{Doomed, Editor};
use crate::error::{BuildError, Error, Result};
use crate::id::Id;
use crate::registry::Registry;
use crate::schedule::Phase;
use bevy_ecs::entity::Entity;
use bevy_ecs::world::World;
use core::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One type as it was reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    /// The system.
    pub(crate) owner: String,
    /// What all others do instead, for people.
    pub(crate) instead: String,
}

impl Reservation {
    /// Refuses what somebody else does; `act` is a verb.
    fn check(&self, acting: &str, act: &'static str, id: Option<Id>) -> Result<()> {
        if self.owner == acting {
            return Ok(());
        }
        Err(Error::Reserved {
            system: acting.to_owned(),
            act,
            type_name: self.type_name,
            id,
            owner: self.owner.clone(),
            instead: self.instead.clone(),
        })
    }

    fn refused(&self, why: String) -> BuildError {
        BuildError::Reserved { type_name: self.type_name.to_owned(), owner: self.owner.clone(), why }
    }
}

impl Editor<'_> {
    /// Refuses an act on an entity's `T`; also where another type of that entity is reserved to somebody else, as no one
    /// could end a row of two owners.
    pub(crate) fn check_type<T: State>(&self, act: &'static str, entity: Entity) -> Result<()> {
        let registry = self.world.resource::<Registry>();
        let Some(reserved) = registry.reserved.get(&TypeId::of::<T>()) else { return Ok(()) };
        reserved.check(&self.acting, act, self.id_of(entity))?;
        self.check_entity(act, entity)
    }

    /// Refuses an act on a whole living entity.
    pub(crate) fn check_entity(&self, act: &'static str, entity: Entity) -> Result<()> {
        let row = self.tables.reserved.then(|| self.doomed_row(entity)).flatten();
        row.map_or(Ok(()), |row| self.check_table(act, row))
    }

    /// Refuses to despawn rows, of which those that stand together are of one table.
    pub(crate) fn check_doomed(&self, doomed: &[Doomed]) -> Result<()> {
        if !self.tables.reserved {
            return Ok(());
        }
        let mut firsts = doomed.chunk_by(|a, b| a.table == b.table).filter_map(|rows| rows.first());
        firsts.try_for_each(|first| self.check_table("despawns", *first))
    }

    fn check_table(&self, act: &'static str, row: Doomed) -> Result<()> {
        let mut reserved = self.tables.list[row.table as usize].reserved.iter();
        reserved.try_for_each(|reserved| reserved.check(&self.acting, act, Some(row.id)))
    }

    /// Counts what an input was refused.
    pub(crate) fn note_reserved(&mut self, error: Error) {
        self.journal.changes_refused += 1;
        self.journal.reserved = Some(error);
    }
}

impl Registry {
    /// Refuses to make rows of `T`.
    pub(crate) fn check_spawn<T: State>(&self, acting: &str) -> Result<()> {
        let reserved = self.reserved.get(&TypeId::of::<T>());
        reserved.map_or(Ok(()), |reserved| reserved.check(acting, "spawns", None))
    }

    /// Refuses `Next` of a type to all systems but its owner.
    pub(crate) fn check_next(&self, type_id: TypeId, system: &str) -> Result<(), BuildError> {
        match self.reserved.get(&type_id) {
            Some(reserved) if reserved.owner != system => {
                let type_name = reserved.type_name;
                Err(reserved
                    .refused(format!("system {system} names Next<{type_name}>; {}", reserved.instead)))
            }
            _ => Ok(()),
        }
    }

    /// Who alone may have rows with these types; each owner once.
    pub(crate) fn reserved_among(&self, types: impl Iterator<Item = TypeId>) -> Vec<Arc<Reservation>> {
        let mut among: Vec<Arc<Reservation>> = Vec::new();
        for reserved in types.filter_map(|type_id| self.reserved.get(&type_id)) {
            if !among.iter().any(|other| other.owner == reserved.owner) {
                among.push(reserved.clone());
            }
        }
        among
    }
}

impl Registrar {
    /// Makes the reservations, or notes what is wrong with them.
    pub(crate) fn enter_reserved(&mut self, world: &mut World, errors: &mut Vec<BuildError>) {
        let mut entered: BTreeMap<TypeId, Arc<Reservation>> = BTreeMap::new();
        // Texts must not depend on the order of the calls.
        self.reserved
            .sort_by(|a, b| (a.type_name, &a.owner, &a.instead).cmp(&(b.type_name, &b.owner, &b.instead)));
        for reserved in core::mem::take(&mut self.reserved) {
            errors.extend(self.problem(&reserved).map(|why| reserved.refused(why)));
            match entered.get(&reserved.type_id) {
                Some(first) if first.owner != reserved.owner => {
                    let second = &reserved.owner;
                    errors.push(first.refused(format!("it is reserved to {second} too; choose one of them")));
                }
                Some(_) => {}
                None => drop(entered.insert(reserved.type_id, Arc::new(reserved))),
            }
        }
        world.resource_mut::<Registry>().reserved = entered;
    }

    fn problem(&self, reserved: &Reservation) -> Option<String> {
        let Reservation { type_id, owner, .. } = reserved;
        if crate::registry::is_engine_owned(*type_id) {
            return Some("the engine itself writes that type".to_owned());
        }
        if !self.systems.iter().any(|spec| spec.name == *owner && spec.phase != Phase::Late) {
            return Some("there is no system of that name that could write; register one".to_owned());
        }
        // Acts are told apart by the name of who acts.
        if self.setups.iter().any(|(name, _)| name == owner) {
            return Some("a setup is called so too; rename the setup".to_owned());
        }
        let inputs = self.inputs.iter().any(|kind| kind.name == *owner);
        inputs.then(|| "an input is called so too; rename the input".to_owned())
    }
}

/// The place of an error, for people.
pub(crate) fn place(id: &Option<Id>) -> String {
    id.map_or_else(String::new, |id| format!(" (entity {id})"))
}
