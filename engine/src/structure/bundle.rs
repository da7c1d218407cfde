//! Tuples of buffered values that an entity is spawned with.
//!
//! Invariant: a value goes into both slots, so that a new row is right in both buffers.

use crate::buffer::State;
use crate::buffer::raw::Slot;
use crate::registry::Registry;
use core::any::type_name;

/// A tuple of registered types, up to twelve: `(Position(..), Velocity(..))`. `()` is an entity without any.
pub trait Bundle: Send + Sync + 'static {
    /// The columns of the values; private to the engine.
    #[doc(hidden)]
    type Slots: bevy_ecs::bundle::Bundle<Effect: bevy_ecs::bundle::NoBundleEffect>;

    /// The values, once for each slot.
    #[doc(hidden)]
    fn into_slots(self) -> Self::Slots;

    /// The first type of the tuple that is not registered.
    #[doc(hidden)]
    fn unregistered(registry: &Known<'_>) -> Option<&'static str>;
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
            type Slots = ($((Slot<$type, 0>, Slot<$type, 1>),)*);

            fn into_slots(self) -> Self::Slots {
                let ($($value,)*) = self;
                <Self::Slots>::from(($((Slot($value.clone()), Slot($value)),)*))
            }

            fn unregistered(_registry: &Known<'_>) -> Option<&'static str> {
                $(if !_registry.0.holds::<$type>() {
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
