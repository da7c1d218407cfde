//! Tuples of buffered values that an entity is spawned with.
//!
//! Invariant: a value goes into both slots, so that a new row is right in both buffers.

use super::Spawned;
use crate::buffer::State;
use crate::buffer::raw::Slot;
use crate::registry::Registry;
use crate::tree::is_engine_owned;
use bevy_ecs::storage::TableId;
use bevy_ecs::world::World;
use core::any::type_name;

/// A tuple of registered types, up to twelve: `(Position(..), Velocity(..))`. `()` is an entity without any.
pub trait Bundle: Send + Sync + 'static {
    /// Spawns an entity with the values, once for each slot.
    #[doc(hidden)]
    fn spawn(self, spawner: &mut Spawner<'_>);

    /// The first type of the tuple that is not registered.
    #[doc(hidden)]
    fn unregistered(registry: &Known<'_>) -> Option<&'static str>;

    /// The first type of the tuple that only the engine writes.
    #[doc(hidden)]
    fn engine_owned() -> Option<&'static str>;

    /// Refuses a type of the tuple that is reserved to another system.
    #[doc(hidden)]
    fn check_reserved(registry: &Known<'_>, acting: &str) -> crate::Result<()>;
}

/// The world, as [`Bundle`] fills it; the engine's columns stay unnamed outside of it.
#[derive(Debug)]
pub struct Spawner<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) spawned: Spawned,
    pub(crate) table: TableId,
}

impl Spawner<'_> {
    fn spawn(&mut self, slots: impl bevy_ecs::bundle::Bundle) {
        let Spawned { id, entity } = self.spawned;
        let entity = self.world.spawn_at(entity, (id, slots)).expect("the handle was allocated for this");
        self.table = entity.location().table_id;
    }
}

/// The registry, as [`Bundle`] sees it.
#[derive(Debug)]
pub struct Known<'a>(pub(crate) &'a Registry);

impl core::fmt::Debug for Registry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Registry")
    }
}

macro_rules! bundle {
    ($($type:ident $value:ident),*) => {
        impl<$($type: State),*> Bundle for ($($type,)*) {
            fn spawn(self, spawner: &mut Spawner<'_>) {
                let ($($value,)*) = self;
                spawner.spawn(($((Slot::<$type, 0>($value.clone()), Slot::<$type, 1>($value)),)*));
            }

            fn unregistered(_registry: &Known<'_>) -> Option<&'static str> {
                $(if !_registry.0.holds::<$type>() {
                    return Some(type_name::<$type>());
                })*
                None
            }

            fn check_reserved(_registry: &Known<'_>, _acting: &str) -> crate::Result<()> {
                $(_registry.0.check_spawn::<$type>(_acting)?;)*
                Ok(())
            }

            fn engine_owned() -> Option<&'static str> {
                $(if is_engine_owned::<$type>() {
                    return Some(type_name::<$type>());
                })*
                None
            }
        }
    };
}

bundle!();
bundle!(A a);
bundle!(A a, B b);
bundle!(A a, B b, C c);
bundle!(A a, B b, C c, D d);
bundle!(A a, B b, C c, D d, E e);
bundle!(A a, B b, C c, D d, E e, F f);
bundle!(A a, B b, C c, D d, E e, F f, G g);
bundle!(A a, B b, C c, D d, E e, F f, G g, H h);
bundle!(A a, B b, C c, D d, E e, F f, G g, H h, I i);
bundle!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j);
bundle!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k);
bundle!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l);
