//! Unit types and their groups: a template of entities with arguments and actions, and several groups of one type, such as
//! those of factions.
//!
//! A unit type is a blueprint and what a new unit of it is told; a type that extends another begins with its blueprint. Its
//! actions are functions of the type, over the rows or messages that they need. A system that sees [`Member`] knows an
//! entity's type, group and faction without looking at what else it holds.
//!
//! Invariant: all units of a group hold the same components. Left out: a wrapper of each unit; its name, [`UnitId`], is a
//! value, and what it names may be gone.

use crate::blueprint::{Blueprint, Parts, Spawns};
use crate::group::{EntityGroup, Groups, Member, NameKey};
use core::fmt;
use core::marker::PhantomData;
use diptych_engine::Id;
use diptych_engine::Registrar;

/// A type of units.
///
/// # Examples
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_systems::blueprint::Blueprint;
/// use diptych_systems::group::{self, Groups, Member};
/// use diptych_systems::unit::{Unit, UnitGroup, is_a};
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Health(i64);
/// /// A tower: it is as strong as it is told.
/// struct Tower;
/// impl Unit for Tower {
///     const NAME: &'static str = "tower";
///     type Parts = (Health,);
///     type Arguments = i64;
///     fn template() -> Blueprint<Self::Parts> {
///         Blueprint::new(Self::NAME).with("fort.health", Health(100))
///     }
///     fn register(health: i64, (own,): &mut Self::Parts) {
///         *own = Health(health);
///     }
/// }
/// /// An action.
/// impl Tower {
///     fn crumble(health: &mut Health) {
///         health.0 -= 1;
///     }
/// }
/// fn weather(mut rows: Query<(Next<Health>, Prev<Member>)>) {
///     for (mut health, member) in &mut rows {
///         if is_a::<Tower>(member) {
///             let mut next = *health.prev();
///             Tower::crumble(&mut next);
///             health.set(next);
///         }
///     }
/// }
/// # struct Fort;
/// # impl Plugin for Fort {
/// #     fn name(&self) -> &'static str { "fort" }
/// #     fn build(self, registrar: &mut Registrar) -> Result<()> {
/// let (red, blue) = (UnitGroup::<Tower>::new("red"), UnitGroup::<Tower>::new("blue"));
/// group::register(registrar, &Groups::default());
/// red.register(registrar);
/// blue.register(registrar);
/// registrar.state::<Health>("fort.health", 1).system("fort.weather", weather);
/// registrar.setup("fort", move |world: &mut Structure<'_, '_>| {
///     red.spawn(world, 7);
///     blue.spawn(world, 8);
/// });
/// #         Ok(())
/// #     }
/// # }
/// # let mut engine = Engine::in_memory().plugin(Fort).build()?;
/// # engine.run(Pace::frames(5))?;
/// # let view = engine.view();
/// # assert_eq!(view.iter::<Health>().map(|(_, health)| health.0).collect::<Vec<_>>(), [2, 3]);
/// # Ok::<(), Error>(())
/// ```
pub trait Unit: Send + Sync + 'static {
    /// The stored name of the type.
    const NAME: &'static str;
    /// What its units hold.
    type Parts: Parts;
    /// What a new unit is told.
    type Arguments;

    /// What its units are made of, before each is told anything.
    fn template() -> Blueprint<Self::Parts>;

    /// Tells a new unit its arguments.
    fn register(arguments: Self::Arguments, parts: &mut Self::Parts);
}

/// Whether a member is a unit of this type.
#[must_use]
pub fn is_a<U: Unit>(member: &Member) -> bool {
    member.unit == const { NameKey::of(U::NAME) }
}

/// The units of one type in one faction: an entity group called `FACTION/TYPE`.
pub struct UnitGroup<U: Unit> {
    faction: String,
    group: EntityGroup<U::Parts>,
}

impl<U: Unit> UnitGroup<U> {
    /// The units of this faction.
    #[must_use]
    pub fn new(faction: &str) -> Self {
        let group = EntityGroup::new(&format!("{faction}/{}", U::NAME), U::template()).of(faction, U::NAME);
        Self { faction: faction.to_owned(), group }
    }

    /// The faction.
    #[must_use]
    pub fn faction(&self) -> &str {
        &self.faction
    }

    /// The entity group in it.
    #[must_use]
    pub fn group(&self) -> &EntityGroup<U::Parts> {
        &self.group
    }

    /// As [`EntityGroup::register`].
    pub fn register(&self, registrar: &mut Registrar) {
        self.group.register(registrar);
    }

    /// Spawns a unit and tells it its arguments.
    pub fn spawn(&self, world: &mut impl Spawns, arguments: U::Arguments) -> UnitId<U> {
        UnitId::of(self.group.spawn_by(world, |parts| U::register(arguments, parts)))
    }

    /// Despawns a unit.
    pub fn despawn(&self, world: &mut impl Spawns, unit: UnitId<U>) {
        self.group.despawn(world, unit.id());
    }

    /// Despawns all units of the group; answers how many those were.
    pub fn clear(&self, groups: &Groups, world: &mut impl Spawns) -> u64 {
        self.group.clear(groups, world)
    }

    /// How many units there are.
    #[must_use]
    pub fn size(&self, groups: &Groups) -> u64 {
        self.group.size(groups)
    }

    /// The unit behind an `Id`, if it is one of this group.
    #[must_use]
    pub fn unit(&self, groups: &Groups, id: Id) -> Option<UnitId<U>> {
        self.group.has(groups, id).then(|| UnitId::of(id))
    }

    /// Shows every unit, in the order of their `Id`s.
    pub fn each(&self, groups: &Groups, mut look: impl FnMut(UnitId<U>)) {
        self.group.each(groups, |id| look(UnitId::of(id)));
    }
}

impl<U: Unit> Clone for UnitGroup<U> {
    fn clone(&self) -> Self {
        Self { faction: self.faction.clone(), group: self.group.clone() }
    }
}

impl<U: Unit> fmt::Debug for UnitGroup<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnitGroup").field(&self.group.name()).finish()
    }
}

/// The `Id` of a unit of this type, for actions: a trait of a program's own can say what such a unit does.
pub struct UnitId<U>(Id, PhantomData<fn() -> U>);

impl<U> UnitId<U> {
    fn of(id: Id) -> Self {
        Self(id, PhantomData)
    }

    /// The `Id`.
    #[must_use]
    pub fn id(self) -> Id {
        self.0
    }
}

impl<U> Clone for UnitId<U> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<U> Copy for UnitId<U> {}

impl<U> PartialEq for UnitId<U> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<U> Eq for UnitId<U> {}

impl<U: Unit> fmt::Debug for UnitId<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", U::NAME, self.0)
    }
}

impl<U> From<UnitId<U>> for Id {
    fn from(unit: UnitId<U>) -> Self {
        unit.0
    }
}
