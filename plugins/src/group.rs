//! Groups of entities in a world: one plugin for all of them.
//!
//! Invariant: groups of a world have names and keys of their own; who has not is refused before the world is there.

pub use diptych_systems::group::*;

use core::any::TypeId;
use diptych_engine::{Error, Plugin, Registrar, Result};
use diptych_systems::blueprint::Parts;
use diptych_systems::unit::{Unit, UnitGroup};
use std::collections::BTreeMap;

type Registration = Box<dyn FnOnce(&mut Registrar)>;

/// The groups of a world, with memberships and their index, the resource [`Groups`].
///
/// ```
/// use diptych::blueprint::Blueprint;
/// use diptych::group::{EntityGroup, GroupPlugin, Groups};
/// use diptych::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Size(f64);
/// let trees = EntityGroup::new("trees", Blueprint::new("tree").each("wood.size", |n| Size(n as f64)));
/// let planted = trees.clone();
/// let engine = Engine::in_memory()
///     .state::<Size>("wood.size", 1)
///     .plugin(GroupPlugin::new().group(&trees))
///     .setup("wood", move |world| drop(planted.spawn_many(world, 12)))
///     .build()?;
/// assert_eq!(trees.size(engine.resource::<Groups>().expect("the plugin brings it")), 12);
/// # Ok::<(), diptych::Error>(())
/// ```
#[derive(Default)]
pub struct GroupPlugin {
    groups: Groups,
    names: Vec<(String, Member)>,
    /// Unit types by the keys of their names.
    units: Vec<(NameKey, &'static str, TypeId)>,
    registrations: Vec<Registration>,
}

impl core::fmt::Debug for GroupPlugin {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}

impl GroupPlugin {
    /// No group yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more group.
    #[must_use]
    pub fn group<P: Parts>(mut self, group: &EntityGroup<P>) -> Self {
        self.names.push((group.name().to_owned(), group.member()));
        let group = group.clone();
        self.registrations.push(Box::new(move |registrar| group.register(registrar)));
        self
    }

    /// One more group of units.
    #[must_use]
    pub fn units<U: Unit>(mut self, units: &UnitGroup<U>) -> Self {
        self.units.push((units.group().member().unit, U::NAME, TypeId::of::<U>()));
        self.group(units.group())
    }

    /// The index, to keep beside the engine.
    #[must_use]
    pub fn groups(&self) -> Groups {
        self.groups.clone()
    }
}

impl Plugin for GroupPlugin {
    fn name(&self) -> &'static str {
        "group"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        let refuse =
            |value: String, reason| Err(Error::Setting { setting: "the name of a group", value, reason });
        let mut keys: BTreeMap<NameKey, &str> = BTreeMap::new();
        for (name, member) in &self.names {
            if name.is_empty() {
                return refuse("\"\"".to_owned(), "a group has a name");
            }
            if let Some(first) = keys.insert(member.group, name) {
                let reason = match first == name {
                    true => "another group of this world is called so",
                    false => "its key is that of another group of this world; choose another name",
                };
                return refuse(format!("\"{name}\""), reason);
            }
        }
        let mut types: BTreeMap<NameKey, TypeId> = BTreeMap::new();
        for (key, name, type_id) in self.units {
            if name.is_empty() || *types.entry(key).or_insert(type_id) != type_id {
                let setting = "the name of a unit type";
                let reason = "each type has a name of its own, that its units are told by";
                return Err(Error::Setting { setting, value: format!("\"{name}\""), reason });
            }
        }
        register(registrar, &self.groups);
        for registration in self.registrations {
            registration(registrar);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{EntityGroup, GroupPlugin};
    use crate::unit::{Unit, UnitGroup};
    use diptych_engine::Engine;
    use diptych_systems::blueprint::Blueprint;

    /// Claim: two groups of one name, and one without a name, are refused with a sentence.
    #[test]
    fn names_are_their_own() {
        let of = |name: &str| EntityGroup::new(name, Blueprint::new("nothing"));
        let said = |plugin: GroupPlugin| {
            let built = Engine::in_memory().plugin(plugin).build();
            built.map(drop).map_err(|error| error.to_string()).err()
        };
        let twice = GroupPlugin::new().group(&of("ants")).group(&of("bees")).group(&of("ants"));
        assert_eq!(
            said(twice).as_deref(),
            Some("the name of a group cannot be \"ants\": another group of this world is called so")
        );
        let nameless = said(GroupPlugin::new().group(&of("")));
        assert_eq!(nameless.as_deref(), Some("the name of a group cannot be \"\": a group has a name"));
        assert_eq!(said(GroupPlugin::new().group(&of("ants")).group(&of("bees"))), None);
    }

    macro_rules! unit {
        ($name:ident, $stored:literal) => {
            struct $name;
            impl Unit for $name {
                const NAME: &'static str = $stored;
                type Parts = ();
                type Arguments = ();
                fn template() -> Blueprint<()> {
                    Blueprint::new($stored)
                }
                fn register((): (), (): &mut ()) {}
            }
        };
    }
    unit!(Tower, "tower");
    unit!(Other, "tower");
    unit!(Nameless, "");

    /// Claim: two unit types of one name are refused, also where their factions tell their groups apart; one type in two
    /// factions is not.
    #[test]
    fn unit_types_have_names_of_their_own() {
        let said = |plugin: GroupPlugin| {
            let built = Engine::in_memory().plugin(plugin).build();
            built.map(drop).map_err(|error| error.to_string()).err().unwrap_or_default()
        };
        let red = || GroupPlugin::new().units(&UnitGroup::<Tower>::new("red"));
        assert_eq!(said(red().units(&UnitGroup::<Tower>::new("blue"))), "");
        let twice = said(red().units(&UnitGroup::<Other>::new("blue")));
        assert!(twice.contains("the name of a unit type cannot be \"tower\""), "{twice}");
        let nameless = said(red().units(&UnitGroup::<Nameless>::new("blue")));
        assert!(nameless.contains("the name of a unit type cannot be \"\""), "{nameless}");
    }
}
