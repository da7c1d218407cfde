//! What a parallel loop may take along: something that each chunk of rows gets a part of.
//!
//! Invariant: there are as many parts as chunks, chunks are cut by rows and never by threads, and parts are
//! joined in the order of their chunks.

use crate::structure::{Chunk, Structure};

/// Taken along by `par_rows_with` and `par_blocks_with`: `&mut Structure`, `&mut Outbox<M>`, or a tuple of up
/// to four of such, whose chunks get a tuple of parts.
pub trait Split: Sealed {
    /// What a chunk of the loop gets.
    type Part: Send;

    /// Makes a part for each of `count` chunks.
    #[doc(hidden)]
    fn split(&mut self, count: usize) -> Vec<Self::Part>;

    /// Takes the parts back, in their order.
    #[doc(hidden)]
    fn join(&mut self, parts: Vec<Self::Part>);
}

/// Keeps [`Split`] to this crate's parameters.
pub trait Sealed {}

impl Sealed for &mut Structure<'_, '_> {}

impl<'w> Split for &mut Structure<'w, '_> {
    type Part = Chunk<'w>;

    fn split(&mut self, count: usize) -> Vec<Chunk<'w>> {
        Structure::split(self, count)
    }

    fn join(&mut self, parts: Vec<Chunk<'w>>) {
        Structure::join(self, parts);
    }
}

macro_rules! split_tuple {
    ($($part:ident $list:ident $place:tt),+) => {
        impl<$($part: Split),+> Sealed for ($($part,)+) {}

        impl<$($part: Split),+> Split for ($($part,)+) {
            type Part = ($($part::Part,)+);

            fn split(&mut self, count: usize) -> Vec<Self::Part> {
                $(let mut $list = self.$place.split(count).into_iter();)+
                let parts = core::iter::from_fn(|| Some(($($list.next()?,)+)));
                parts.collect()
            }

            fn join(&mut self, parts: Vec<Self::Part>) {
                $(let mut $list = Vec::with_capacity(parts.len());)+
                for part in parts {
                    $($list.push(part.$place);)+
                }
                $(self.$place.join($list);)+
            }
        }
    };
}

split_tuple!(A a 0, B b 1);
split_tuple!(A a 0, B b 1, C c 2);
split_tuple!(A a 0, B b 1, C c 2, D d 3);
