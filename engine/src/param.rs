//! What a system's signature may name beside queries: `Clock`, `Random`, `Ids`, `Linked`, `Structure`,
//! changes.
//!
//! Invariant: nothing of what they read changes during a wave, so none conflicts with anything; `Linked`
//! registers its read, to be seen in `explain()`.

mod clock;
mod ids;
mod linked;
mod random;
mod site;

pub use clock::Clock;
pub use ids::Ids;
pub use linked::Linked;
pub(crate) use linked::read_prev;
pub use random::{Random, Stream};
pub use site::Site;

/// Implements bevy's `SystemParam` for a parameter that is a cheap copy of shared, unchanging data.
macro_rules! shared_param {
    (
        $param:ty, $item:ty, $state:ty, |$world:ident| $init:expr, |$from:ident| $get:expr
        $(, $type:ident : $bound:ident)?
    ) => {
        #[expect(clippy::allow_attributes, reason = "not every file that uses the macro allows it already")]
        #[allow(unsafe_code, reason = "implements bevy's unsafe parameter trait")]
        // SAFETY: no world data is accessed; the state refers to data that changes at commits only.
        unsafe impl$(<$type: $bound>)? bevy_ecs::system::SystemParam for $param {
            type State = $state;
            type Item<'w, 's> = $item;

            fn init_state($world: &mut bevy_ecs::world::World) -> $state {
                $init
            }

            fn init_access(
                _: &$state,
                _: &mut bevy_ecs::system::SystemMeta,
                _: &mut bevy_ecs::system::SystemAccess,
                _: &mut bevy_ecs::world::World,
            ) {
            }

            unsafe fn get_param<'w, 's>(
                $from: &'s mut $state,
                _: &bevy_ecs::system::SystemMeta,
                _: bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell<'w>,
                _: bevy_ecs::change_detection::Tick,
            ) -> Result<$item, bevy_ecs::system::SystemParamValidationError> {
                Ok($get)
            }
        }

        #[expect(clippy::allow_attributes, reason = "not every file that uses the macro allows it already")]
        #[allow(unsafe_code, reason = "implements bevy's unsafe marker trait")]
        // SAFETY: no world data is accessed at all. Parameters derived from this one need it.
        unsafe impl$(<$type: $bound>)? bevy_ecs::system::ReadOnlySystemParam for $param {}
    };
}
pub(crate) use shared_param;
