//! Entity groups: entities of one predetermined set of components, known as members, counted and found by their group.
//!
//! Membership is state ([`Member`]), so it is stored, and a system sees of an entity what group it is in without looking
//! anything up. Who is in a group is an index ([`Groups`]), which follows from it.
//!
//! Invariant: the index is that of the last commit: who is spawned in a frame is in it from the next one on. It changes
//! while no system runs, and gives members in the order of their `Id`s.

use crate::blueprint::{Blueprint, Overrides, Parts, Spawns};
use bevy_ecs::prelude::Resource;
use core::any::TypeId;
pub use diptych_components::group::{Member, NameKey};
use diptych_engine::prelude::*;
use diptych_engine::sync::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// The stored name of [`Member`].
pub const MEMBER_NAME: &str = "group.member";

/// Entities that were made by one blueprint, under a name.
///
/// # Examples
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_systems::blueprint::Blueprint;
/// use diptych_systems::group::{self, EntityGroup, Groups};
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Weight(f64);
/// let crates = EntityGroup::new("crates", Blueprint::new("crate").with("yard.weight", Weight(10.0)));
/// # struct Yard(EntityGroup<(Weight,)>);
/// # impl Plugin for Yard {
/// #     fn name(&self) -> &'static str { "yard" }
/// #     fn build(self, registrar: &mut Registrar) -> Result<()> {
/// #         let crates = self.0;
/// let groups = Groups::default();
/// group::register(registrar, &groups);
/// crates.register(registrar);
/// registrar.state::<Weight>("yard.weight", 1);
/// let (first, ship) = (crates.clone(), crates);
/// registrar.setup("yard", move |world: &mut Structure<'_, '_>| drop(first.spawn_many(world, 5)));
/// // Ships one crate a frame.
/// registrar.system("yard.ship", move |groups: Res<Groups>, mut structure: Structure| {
///     if let Some(id) = ship.first(&groups) {
///         ship.despawn(&mut structure, id);
///     }
/// });
/// #         Ok(())
/// #     }
/// # }
/// # let counted = crates.clone();
/// # let mut engine = Engine::in_memory().plugin(Yard(crates)).build()?;
/// engine.run(Pace::frames(2))?;
/// let groups = engine.resource::<Groups>().expect("it was registered");
/// assert_eq!(counted.size(groups), 3);
/// # Ok::<(), Error>(())
/// ```
pub struct EntityGroup<P: Parts> {
    name: String,
    member: Member,
    blueprint: Blueprint<P>,
}

impl<P: Parts> Clone for EntityGroup<P> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), member: self.member, blueprint: self.blueprint.clone() }
    }
}

impl<P: Parts> core::fmt::Debug for EntityGroup<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("EntityGroup").field(&self.name).finish()
    }
}

impl<P: Parts> EntityGroup<P> {
    /// A group by this name, made by this blueprint.
    ///
    /// # Panics
    /// When the blueprint names [`Member`], which is the group's to say.
    #[must_use]
    pub fn new(name: &str, blueprint: Blueprint<P>) -> Self {
        assert!(!P::holds(TypeId::of::<Member>()), "group {name} says who is its member, not its blueprint");
        let member = Member { group: NameKey::of(name), ..Member::default() };
        Self { name: name.to_owned(), member, blueprint }
    }

    /// The group as that of a faction and a unit type.
    pub(crate) fn of(mut self, faction: &str, unit: &str) -> Self {
        self.member.faction = NameKey::of(faction);
        self.member.unit = NameKey::of(unit);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its members hold as [`Member`].
    #[must_use]
    pub fn member(&self) -> Member {
        self.member
    }

    /// What its members are made of.
    #[must_use]
    pub fn blueprint(&self) -> &Blueprint<P> {
        &self.blueprint
    }

    /// Says to a world that is being built what components its members have.
    pub fn register(&self, registrar: &mut Registrar) {
        self.blueprint.register(registrar);
        registrar.expects::<Member>(&format!("group {}", self.name), MEMBER_NAME);
    }

    /// Spawns a member.
    pub fn spawn(&self, world: &mut impl Spawns) -> Id {
        self.spawn_by(world, |_| {})
    }

    /// Spawns a member that differs from the others.
    pub fn spawn_by(&self, world: &mut impl Spawns, change: impl FnOnce(&mut P)) -> Id {
        let mut parts = self.blueprint.make(0);
        change(&mut parts);
        world.spawn_parts(parts.grouped(self.member)).id
    }

    /// Spawns so many.
    ///
    /// # Panics
    /// As [`Blueprint::spawn`].
    pub fn spawn_many(&self, world: &mut impl Spawns, count: u32) -> Vec<Id> {
        self.spawn_with(world, count, &Overrides::default())
    }

    /// Spawns so many, with other values for some components.
    ///
    /// # Panics
    /// As [`Blueprint::spawn_with`].
    pub fn spawn_with(&self, world: &mut impl Spawns, count: u32, overrides: &Overrides) -> Vec<Id> {
        let chosen = self.blueprint.choose(count, overrides);
        let one = |number| world.spawn_parts(P::make(&chosen, number).grouped(self.member)).id;
        (0..u64::from(count)).map(one).collect()
    }

    /// Despawns an entity.
    pub fn despawn(&self, world: &mut impl Spawns, id: Id) {
        world.despawn_entity(id);
    }

    /// Despawns all members; answers how many those were.
    pub fn clear(&self, groups: &Groups, world: &mut impl Spawns) -> u64 {
        let before = self.size(groups);
        self.each(groups, |id| world.despawn_entity(id));
        before
    }

    /// How many members there are.
    #[must_use]
    pub fn size(&self, groups: &Groups) -> u64 {
        groups.read().members(self.member.group).map_or(0, |members| members.len() as u64)
    }

    /// Whether an entity is a member.
    #[must_use]
    pub fn has(&self, groups: &Groups, id: Id) -> bool {
        groups.read().members(self.member.group).is_some_and(|members| members.contains(&id))
    }

    /// Whether this is what members hold: for systems that see [`Member`] anyway.
    #[must_use]
    pub fn is_of(&self, member: &Member) -> bool {
        member.group == self.member.group
    }

    /// The member with the lowest `Id`.
    #[must_use]
    pub fn first(&self, groups: &Groups) -> Option<Id> {
        groups.read().members(self.member.group)?.first().copied()
    }

    /// Shows every member, in the order of their `Id`s.
    pub fn each(&self, groups: &Groups, look: impl FnMut(Id)) {
        // Not while the index is held: who looks may ask it, and a commit may wait for it.
        let members: Vec<Id> =
            groups.read().members(self.member.group).into_iter().flatten().copied().collect();
        members.into_iter().for_each(look);
    }
}

/// Who is in which group; a resource, and cheap to clone. Not stored: it follows from [`Member`].
#[derive(Resource, Clone, Default)]
pub struct Groups(Arc<Inner>);

#[derive(Default)]
struct Inner {
    index: RwLock<Index>,
    /// What the commit that is under way has done, in its order.
    changes: Mutex<Vec<(Id, Option<Member>)>>,
}

#[derive(Default)]
struct Index {
    members: BTreeMap<NameKey, BTreeSet<Id>>,
    of: BTreeMap<Id, NameKey>,
}

impl Index {
    fn members(&self, group: NameKey) -> Option<&BTreeSet<Id>> {
        self.members.get(&group)
    }

    fn set(&mut self, id: Id, group: Option<NameKey>) {
        let before = match group {
            Some(group) => self.of.insert(id, group),
            None => self.of.remove(&id),
        };
        if before == group {
            return;
        }
        if let Some(before) = before
            && let Some(members) = self.members.get_mut(&before)
        {
            members.remove(&id);
            if members.is_empty() {
                self.members.remove(&before);
            }
        }
        if let Some(group) = group {
            self.members.entry(group).or_default().insert(id);
        }
    }
}

impl core::fmt::Debug for Groups {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Groups").field("groups", &self.read().members.len()).finish_non_exhaustive()
    }
}

impl Groups {
    /// How many entities are members of some group.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.read().of.len() as u64
    }

    /// Whether no entity is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The group of an entity.
    #[must_use]
    pub fn group_of(&self, id: Id) -> Option<NameKey> {
        self.read().of.get(&id).copied()
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        // It changes in commits only, whose panics stop the engine.
        self.0.index.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Groups {
    fn begin(&self, view: View<'_>) {
        self.0.changes.lock().clear();
        let mut index = Index::default();
        view.iter::<Member>().for_each(|(id, member)| index.set(id, Some(member.group)));
        *self.0.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }

    fn commit(&self, _: View<'_>) {
        let mut changes = self.0.changes.lock();
        if changes.is_empty() {
            return;
        }
        let mut index = self.0.index.write().unwrap_or_else(PoisonError::into_inner);
        for (id, member) in changes.drain(..) {
            index.set(id, member.map(|member| member.group));
        }
    }
}

/// Registers memberships (`group.member`), their index, and the resource [`Groups`]; once a world.
pub fn register(registrar: &mut Registrar, groups: &Groups) {
    let (set, removed) = (groups.clone(), groups.clone());
    registrar
        .state::<Member>(MEMBER_NAME, 1)
        .on_change::<Member>(move |id, member| set.0.changes.lock().push((id, Some(*member))))
        .on_remove::<Member>(move |id, _| removed.0.changes.lock().push((id, None)))
        .observer("group.index", Arc::new(groups.clone()))
        .resource(groups.clone());
}

#[cfg(test)]
mod tests;
