//! Tuples of components as a blueprint fills them in.
//!
//! Invariant: which of two steps counts is decided once a call, so that an entity costs its values.

use super::{Overrides, Step};
use core::any::TypeId;
use diptych_components::group::Member;
use diptych_engine::Bundle;

/// A tuple of components, up to eleven: what entities of a kind hold.
pub trait Parts: Bundle + Sized {
    /// A step for each of them.
    type Steps: Clone + Send + Sync + core::fmt::Debug + 'static;
    /// The steps of one call.
    type Chosen<'a>;
    /// The same entity as the member of a group.
    type Grouped: Bundle;

    /// The steps of a call: what is overridden, and the blueprint's own.
    #[doc(hidden)]
    fn choose<'a>(steps: &'a Self::Steps, overrides: &'a Overrides) -> Self::Chosen<'a>;

    /// The n-th entity of a call.
    #[doc(hidden)]
    fn make(chosen: &Self::Chosen<'_>, number: u64) -> Self;

    /// Whether this type is among them.
    #[doc(hidden)]
    fn holds(type_id: TypeId) -> bool;

    /// The same with a membership.
    #[doc(hidden)]
    fn grouped(self, member: Member) -> Self::Grouped;
}

/// A tuple of components to which `T` can be added.
pub trait Push<T: Clone + Send + Sync + 'static>: Parts {
    /// The tuple with it.
    type Out: Parts;

    /// Adds its step.
    #[doc(hidden)]
    fn push(steps: Self::Steps, step: Step<T>) -> <Self::Out as Parts>::Steps;
}

/// What a blueprint begins with.
impl Parts for () {
    type Steps = ();
    type Chosen<'a> = ();
    type Grouped = (Member,);

    fn choose<'a>((): &'a (), _: &'a Overrides) {}

    #[inline]
    fn make((): &(), _: u64) {}

    fn holds(_: TypeId) -> bool {
        false
    }

    #[inline]
    fn grouped(self, member: Member) -> (Member,) {
        (member,)
    }
}

macro_rules! parts {
    ($($part:ident $value:ident),*) => {
        impl<$($part: Clone + Send + Sync + 'static),*> Parts for ($($part,)*) {
            type Steps = ($(Step<$part>,)*);
            type Chosen<'a> = ($(&'a Step<$part>,)*);
            type Grouped = (Member, $($part,)*);

            fn choose<'a>(steps: &'a Self::Steps, overrides: &'a Overrides) -> Self::Chosen<'a> {
                let ($($value,)*) = steps;
                ($(overrides.of::<$part>().unwrap_or($value),)*)
            }

            #[inline]
            fn make(chosen: &Self::Chosen<'_>, number: u64) -> Self {
                let ($($value,)*) = chosen;
                ($($value.make(number),)*)
            }

            fn holds(type_id: TypeId) -> bool {
                false $(|| TypeId::of::<$part>() == type_id)*
            }

            #[inline]
            fn grouped(self, member: Member) -> Self::Grouped {
                let ($($value,)*) = self;
                (member, $($value,)*)
            }
        }
    };
}

macro_rules! push {
    ($($part:ident $value:ident),*) => {
        impl<$($part: Clone + Send + Sync + 'static,)* Z: Clone + Send + Sync + 'static> Push<Z> for ($($part,)*) {
            type Out = ($($part,)* Z,);

            fn push(steps: Self::Steps, step: Step<Z>) -> <Self::Out as Parts>::Steps {
                let ($($value,)*) = steps;
                ($($value,)* step,)
            }
        }
    };
}

parts!(A a);
parts!(A a, B b);
parts!(A a, B b, C c);
parts!(A a, B b, C c, D d);
parts!(A a, B b, C c, D d, E e);
parts!(A a, B b, C c, D d, E e, F f);
parts!(A a, B b, C c, D d, E e, F f, G g);
parts!(A a, B b, C c, D d, E e, F f, G g, H h);
parts!(A a, B b, C c, D d, E e, F f, G g, H h, I i);
parts!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j);
parts!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k);

push!();
push!(A a);
push!(A a, B b);
push!(A a, B b, C c);
push!(A a, B b, C c, D d);
push!(A a, B b, C c, D d, E e);
push!(A a, B b, C c, D d, E e, F f);
push!(A a, B b, C c, D d, E e, F f, G g);
push!(A a, B b, C c, D d, E e, F f, G g, H h);
push!(A a, B b, C c, D d, E e, F f, G g, H h, I i);
push!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j);
