//! `Link<T>`: a typed reference from one entity to another.
//!
//! Invariant: it is an [`Id`] and nothing else, so it can be stored, sent and hashed; it never keeps its entity
//! alive, and what it leads to is asked of [`Linked`](crate::Linked).

#![expect(unsafe_code, reason = "says that a wrapper of an Id is plain old data")]

use crate::id::Id;
use bytemuck::{Pod, Zeroable};
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;

/// A reference to an entity that is expected to hold `T`; zeroed, it is [`Link::none`].
///
/// Plain old data, whatever `T` is, so that it can be a field of any state. A link to an entity that is gone
/// dangles; asking for it answers `None`.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Engine3000(f64);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Cart {
///     pulled_by: Link<Engine3000>,
///     speed: f64,
/// }
/// fn pull(mut carts: Query<Next<Cart>>, engines: Linked<Engine3000>) {
///     carts.par_rows(|mut cart| {
///         let Cart { pulled_by, .. } = *cart.prev();
///         let speed = engines.get(pulled_by).map_or(0.0, |engine| engine.0);
///         cart.set_if_changed(Cart { pulled_by, speed });
///     });
/// }
/// # let _ = pull;
/// ```
#[repr(transparent)]
pub struct Link<T>(Id, PhantomData<fn() -> T>);

// SAFETY: a transparent wrapper of an `Id`, for which zeroed bytes are a value.
unsafe impl<T> Zeroable for Link<T> {}
// SAFETY: a transparent wrapper of an `Id`, which is plain old data; the marker has no bytes.
unsafe impl<T: 'static> Pod for Link<T> {}

impl<T> Link<T> {
    /// A link to nothing.
    pub const fn none() -> Self {
        Self(Id::from_bits(0), PhantomData)
    }

    /// A link to the entity of this name, which need not live.
    pub const fn to(id: Id) -> Self {
        Self(id, PhantomData)
    }

    /// The name it leads to; `None` for a link to nothing.
    pub const fn id(self) -> Option<Id> {
        if self.0.bits() == 0 { None } else { Some(self.0) }
    }
}

impl<T> From<Id> for Link<T> {
    fn from(id: Id) -> Self {
        Self::to(id)
    }
}

impl<T> From<Link<T>> for Id {
    /// `Id` 0, which is never an entity, for a link to nothing.
    fn from(link: Link<T>) -> Self {
        link.0
    }
}

// By hand, because a derive would ask the same of `T`.
impl<T> Clone for Link<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Link<T> {}

impl<T> Default for Link<T> {
    fn default() -> Self {
        Self::none()
    }
}

impl<T> PartialEq for Link<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Link<T> {}

impl<T> PartialOrd for Link<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Link<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<T> Hash for Link<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T> fmt::Debug for Link<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            Some(id) => write!(f, "Link({id})"),
            None => f.write_str("Link(none)"),
        }
    }
}
