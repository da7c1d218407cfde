//! Parent and child: trees of entities, with ordered children.
//!
//! Invariant: a child's [`Parent`] and the index of children say the same, between commits and in both slots;
//! a parent lives as long as its children; nobody is their own ancestor. Nobody owns `Parent`: it changes
//! only through structure commands and inputs. What children inherit is `propagate`'s.

mod edit;
mod index;
mod order;
mod param;
mod propagate;
#[cfg(feature = "store")]
mod recover;

pub(crate) use edit::{AttachAt, Refusal};
pub(crate) use index::TreeIndex;
pub use index::{Children, Descendants};
pub use param::{Ancestors, Tree};

use crate::id::Id;
use bytemuck::{Pod, Zeroable};

/// The name under which a world stores [`Parent`].
pub(crate) const PARENT_NAME: &str = "diptych.parent";
/// The version of [`Parent`].
pub(crate) const PARENT_VERSION: u32 = 1;

/// Whose child an entity is; state of the engine, registered by `.hierarchy()`.
///
/// Systems read it as any other state, with `Prev<Parent>`, and change it with `attach` and `detach`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Parent {
    parent: Id,
    place: u64,
}

const _: () = assert!(size_of::<Parent>() == 16);

impl Parent {
    /// The parent.
    pub fn id(&self) -> Id {
        self.parent
    }

    /// The child's place among its siblings: they are in ascending order of it.
    pub fn place(&self) -> u64 {
        self.place
    }
}

/// Whether `T` is state that only the engine itself writes.
pub(crate) fn is_engine_owned<T: 'static>() -> bool {
    core::any::TypeId::of::<T>() == core::any::TypeId::of::<Parent>()
}
