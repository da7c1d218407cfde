//! Entity views: the parts of an entity under the names that a system uses, `Query<Named<Cart>>`.
//!
//! Invariant: everything here and everything that the macro writes is safe code. A view is a value on the
//! stack, made anew for each row, so nothing is allocated, pooled or cleared. What the parts may be is in
//! `part`, the query data itself in `named`.

mod named;
mod part;

pub use named::{Named, NamedBlock, NotPacked};
pub use part::{Part, PartItem, PartPacked, PartReadOnly, VIEW_PARTS_MAX};

/// A struct whose fields are the parts of an entity; written by [`entity_view!`](crate::entity_view).
pub trait EntityView: Sized {
    /// The same parts as a tuple of query data.
    type Parts: Part;
    /// The view of a shared query: owned types are read only.
    type ReadOnly: EntityView<Parts = PartReadOnly<Self::Parts>, ReadOnly = Self::ReadOnly>;
    /// The view of one row.
    type Item<'w, 's>;
    /// The view of a run of rows.
    type Packed<'w, 's>;

    /// Names the parts of a row.
    fn name<'w, 's>(parts: PartItem<'w, 's, Self::Parts>) -> Self::Item<'w, 's>;

    /// Names the parts of a run of rows.
    fn name_packed<'w, 's>(parts: PartPacked<'w, 's, Self::Parts>) -> Self::Packed<'w, 's>;

    /// Shortens what a view of a row borrows.
    fn shrink<'wlong: 'wshort, 'wshort, 's>(item: Self::Item<'wlong, 's>) -> Self::Item<'wshort, 's>;
}

/// What the fields of a view are: [`Writing`], [`Reading`] or [`Packed`].
pub trait Mode {
    /// The field that stands for the query data `D`.
    type Field<'w, 's, D: Part>;
}

/// The fields are what the query data says: `Next<T>` is a [`NextRow`](crate::NextRow). The default.
#[derive(Debug)]
pub struct Writing;

/// The fields are read only: `Next<T>` is `&T`, the last committed value. What `query.iter()` hands out.
#[derive(Debug)]
pub struct Reading;

/// The fields are runs of rows: `Prev<T>` is `&[T]`, `Next<T>` a [`NextBlock`](crate::NextBlock).
#[derive(Debug)]
pub struct Packed;

/// The fields are runs of rows that are read only.
#[derive(Debug)]
pub struct PackedReading;

impl Mode for Writing {
    type Field<'w, 's, D: Part> = PartItem<'w, 's, D>;
}

impl Mode for Reading {
    type Field<'w, 's, D: Part> = PartItem<'w, 's, PartReadOnly<D>>;
}

impl Mode for Packed {
    type Field<'w, 's, D: Part> = PartPacked<'w, 's, D>;
}

impl Mode for PackedReading {
    type Field<'w, 's, D: Part> = PartPacked<'w, 's, PartReadOnly<D>>;
}

/// Names the parts of an entity as a system uses them, for `Query<Named<..>>`.
///
/// The fields are query data: `Id`, `Entity`, `Prev<T>`, `Now<T>`, `Next<T>`, `Has<T>`,
/// `Fresh<T>`, `Plain<&'static C>`, `Plain<&'static mut C>`, `Option<..>` of these, tuples of these, and another view,
/// `Named<Cart<'static, 'static>>`; at most [`VIEW_PARTS_MAX`](crate::VIEW_PARTS_MAX) of them. All loops work as they do with a tuple and cost the
/// same: `for`, `get`, `visit`, `par_rows`, `par_rows_with`, `par_blocks` and `reduce_blocks`; those by rows
/// in parallel and by blocks do not take `Plain`, which has no packed form.
///
/// ```
/// use diptych_engine::prelude::*;
/// # #[derive(Clone, Copy, Pod, Zeroable)]
/// # #[repr(C)]
/// # struct Load(f64);
/// # #[derive(Clone, Copy, Pod, Zeroable)]
/// # #[repr(C)]
/// # struct Position { x: f64, y: f64 }
/// # #[derive(Clone, Copy, Pod, Zeroable)]
/// # #[repr(C)]
/// # struct Gate(u64);
/// entity_view! {
///     /// A cart, as the toll gate sees it.
///     struct Cart { id: Id, load: Next<Load>, position: Prev<Position>, gate: Option<Prev<Gate>> }
/// }
///
/// fn haul(mut carts: Query<Named<Cart>>) {
///     carts.par_rows(|mut cart| fill(&mut cart));
/// }
///
/// /// A helper takes the view itself.
/// fn fill(cart: &mut Cart) {
///     cart.load.set(Load(cart.position.x + cart.load.prev().0));
/// }
///
/// fn haul_packed(mut carts: Query<Named<Cart>>) {
///     carts.par_blocks(|block| {
///         let Cart { mut load, position, .. } = block.named();
///         let (prev, next) = load.split();
///         for ((next, prev), position) in next.iter_mut().zip(prev).zip(position) {
///             *next = Load(prev.0 + position.x);
///         }
///     });
/// }
///
/// /// A shared query hands out the same names, read only: `load` is `&Load`.
/// fn weigh(carts: Query<Named<Cart>>) {
///     let _sum: f64 = carts.iter().map(|cart| cart.load.0).sum();
/// }
/// # let engine = Engine::in_memory()
/// #     .state::<Load>("load", 1).state::<Position>("position", 1).state::<Gate>("gate", 1);
/// # let mut engine = engine.system("haul", haul).build().unwrap();
/// # engine.run(Pace::frames(1)).unwrap();
/// # let _ = (haul_packed, weigh);
/// ```
///
/// A written value belongs to one view at a time, and what is read cannot be written:
///
/// ```compile_fail,E0499
/// # use diptych_engine::prelude::*;
/// # #[derive(Clone, Copy, Pod, Zeroable)]
/// # #[repr(C)]
/// # struct Load(f64);
/// entity_view! { struct Cart { load: Next<Load> } }
/// fn twice(mut carts: Query<Named<Cart>>, entity: Entity) {
///     let first = carts.get_mut(entity);
///     let second = carts.get_mut(entity); // the first still holds the row
///     drop((first, second));
/// }
/// ```
///
/// ```compile_fail,E0594
/// # use diptych_engine::prelude::*;
/// # #[derive(Clone, Copy, Pod, Zeroable)]
/// # #[repr(C)]
/// # struct Load(f64);
/// entity_view! { struct Cart { load: Prev<Load> } }
/// fn write(mut carts: Query<Named<Cart>>) {
///     for cart in &mut carts {
///         cart.load.0 = 1.0; // `Prev` is read only
///     }
/// }
/// ```
///
/// A view that is `pub` needs types that are as visible as itself.
///
/// # The handles
/// A written field is a [`NextRow`](crate::NextRow): `load.prev()` gets the last committed value,
/// `load.set(..)` and `load.set_if_changed(..)` write the next, `load.carry()` keeps it. There is nothing to
/// give back: a view ends with its row. At one entity, `query.get_mut(entity)` hands out the same.
#[macro_export]
macro_rules! entity_view {
    ($(
        $(#[$attr:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_attr:meta])* $field_vis:vis $field:ident : $data:ty),+ $(,)?
        }
    )+) => {$(
        $(#[$attr])*
        $vis struct $name<'w, 's, AccessMode: $crate::Mode = $crate::Writing> {
            $(
                $(#[$field_attr])*
                $field_vis $field: <AccessMode as $crate::Mode>::Field<'w, 's, $data>,
            )+
        }

        impl<AccessMode: $crate::Mode> ::core::fmt::Debug for $name<'_, '_, AccessMode> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(::core::stringify!($name)).finish_non_exhaustive()
            }
        }

        impl $crate::EntityView for $name<'_, '_, $crate::Writing> {
            type Parts = ($($data,)+);
            type ReadOnly = $name<'static, 'static, $crate::Reading>;
            type Item<'w, 's> = $name<'w, 's, $crate::Writing>;
            type Packed<'w, 's> = $name<'w, 's, $crate::Packed>;
            $crate::entity_view!(@functions $name $($field: $data),+);
        }

        impl $crate::EntityView for $name<'_, '_, $crate::Reading> {
            type Parts = ($($crate::PartReadOnly<$data>,)+);
            type ReadOnly = $name<'static, 'static, $crate::Reading>;
            type Item<'w, 's> = $name<'w, 's, $crate::Reading>;
            type Packed<'w, 's> = $name<'w, 's, $crate::PackedReading>;
            $crate::entity_view!(@functions $name $($field: $crate::PartReadOnly<$data>),+);
        }
    )+};
    (@functions $name:ident $($field:ident : $data:ty),+) => {
        #[inline(always)]
        fn name<'w, 's>(($($field,)+): $crate::PartItem<'w, 's, Self::Parts>) -> Self::Item<'w, 's> {
            $name { $($field,)+ }
        }

        #[inline(always)]
        fn name_packed<'w, 's>(
            ($($field,)+): $crate::PartPacked<'w, 's, Self::Parts>,
        ) -> Self::Packed<'w, 's> {
            $name { $($field,)+ }
        }

        #[inline(always)]
        fn shrink<'wlong: 'wshort, 'wshort, 's>(
            item: Self::Item<'wlong, 's>,
        ) -> Self::Item<'wshort, 's> {
            $name { $($field: $crate::shrink_part::<$data>(item.$field),)+ }
        }
    };
}

/// Shortens what a part borrows; called by what [`entity_view!`](crate::entity_view) writes.
#[doc(hidden)]
#[inline(always)]
pub fn shrink_part<'wlong: 'wshort, 'wshort, 's, D: Part>(
    item: PartItem<'wlong, 's, D>,
) -> PartItem<'wshort, 's, D> {
    D::shrink(item)
}
