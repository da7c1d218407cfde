//! What a view can be made of, and what each part is when rows come packed.
//!
//! Invariant: a row of a part's block becomes the same item that its query data fetches one by one, so that a
//! view has the same fields in every loop.

use super::named::NotPacked;
use crate::buffer::State;
use crate::id::Id;
use crate::query::{Block, Fresh, FreshBlock, Has, HeldBlock, Next, NextBlock, Plain, Prev, Read};
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{QueryData, ReadOnlyQueryData};

/// Fields of a view at most; what has more is a view of views.
pub const VIEW_PARTS_MAX: usize = 15;

/// The item of a part.
pub type PartItem<'w, 's, D> = <D as QueryData>::Item<'w, 's>;
/// The read-only form of a part.
pub type PartReadOnly<D> = <D as Part>::Shared;
/// The packed form of a part.
pub type PartPacked<'w, 's, D> = <D as Part>::Packed<'w, 's>;

/// A row of the packed form of a part.
type RowOf<'w, 's, D> = <PartPacked<'w, 's, D> as Block>::Row;

/// Query data that a view can have as a field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a part of an entity view",
    note = "parts are Id, Entity, Prev<T>, Now<T>, Next<T>, Has<T>, Fresh<T>, Plain<&C>, Plain<&mut C>, Named<V>, \
            Option<..> and tuples of these"
)]
pub trait Part: QueryData<ReadOnly = <Self as Part>::Shared> {
    /// The same part of a shared query.
    type Shared: Part<Shared = Self::Shared> + ReadOnlyQueryData<State = Self::State>;

    /// A run of rows; [`NotPacked`] for what has no packed form.
    type Packed<'w, 's>: Block;

    /// The item that a row of a run stands for.
    fn item<'w, 's>(row: <Self::Packed<'w, 's> as Block>::Row) -> Self::Item<'w, 's>;
}

impl Part for Id {
    type Shared = Self;
    type Packed<'w, 's> = &'w [Id];

    #[inline(always)]
    fn item<'w, 's>(row: RowOf<'w, 's, Self>) -> PartItem<'w, 's, Self> {
        *row
    }
}

impl Part for Entity {
    type Shared = Self;
    type Packed<'w, 's> = &'w [Entity];

    #[inline(always)]
    fn item<'w, 's>(row: RowOf<'w, 's, Self>) -> PartItem<'w, 's, Self> {
        *row
    }
}

impl<T: State, const WHEN: u8> Part for Read<T, WHEN> {
    type Shared = Self;
    type Packed<'w, 's> = &'w [T];

    #[inline(always)]
    fn item<'w, 's>(row: RowOf<'w, 's, Self>) -> PartItem<'w, 's, Self> {
        row
    }
}

impl<T: State> Part for Next<T> {
    type Shared = Prev<T>;
    type Packed<'w, 's> = NextBlock<'w, 's, T>;

    #[inline(always)]
    fn item<'w, 's>(row: RowOf<'w, 's, Self>) -> PartItem<'w, 's, Self> {
        row
    }
}

impl<T: State> Part for Has<T> {
    type Shared = Self;
    type Packed<'w, 's> = HeldBlock;

    #[inline(always)]
    fn item<'w, 's>(row: RowOf<'w, 's, Self>) -> PartItem<'w, 's, Self> {
        row
    }
}

impl<T: State> Part for Fresh<T> {
    type Shared = Self;
    type Packed<'w, 's> = FreshBlock<'w, T>;

    #[inline(always)]
    fn item<'w, 's>(row: RowOf<'w, 's, Self>) -> PartItem<'w, 's, Self> {
        row
    }
}

impl<D: Part> Part for Option<D> {
    type Shared = Option<D::Shared>;
    type Packed<'w, 's> = Option<D::Packed<'w, 's>>;

    #[inline(always)]
    fn item<'w, 's>(row: RowOf<'w, 's, Self>) -> PartItem<'w, 's, Self> {
        row.map(D::item)
    }
}

impl<D: QueryData> Part for Plain<D> {
    type Shared = Plain<D::ReadOnly>;
    type Packed<'w, 's> = NotPacked;

    fn item<'w, 's>(row: RowOf<'w, 's, Self>) -> PartItem<'w, 's, Self> {
        match row {}
    }
}

macro_rules! tuple_part {
    ($($part:ident $row:ident),+) => {
        impl<$($part: Part),+> Part for ($($part,)+) {
            type Shared = ($($part::Shared,)+);
            type Packed<'w, 's> = ($($part::Packed<'w, 's>,)+);

            #[inline(always)]
            fn item<'w, 's>(
                ($($row,)+): ($(RowOf<'w, 's, $part>,)+),
            ) -> Self::Item<'w, 's> {
                ($($part::item($row),)+)
            }
        }
    };
}

tuple_part!(A a);
tuple_part!(A a, B b);
tuple_part!(A a, B b, C c);
tuple_part!(A a, B b, C c, D d);
tuple_part!(A a, B b, C c, D d, E e);
tuple_part!(A a, B b, C c, D d, E e, F f);
tuple_part!(A a, B b, C c, D d, E e, F f, G g);
tuple_part!(A a, B b, C c, D d, E e, F f, G g, H h);
tuple_part!(A a, B b, C c, D d, E e, F f, G g, H h, I i);
tuple_part!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j);
tuple_part!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k);
tuple_part!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l);
tuple_part!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l, M m);
tuple_part!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l, M m, N n);
tuple_part!(A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l, M m, N n, O o);
