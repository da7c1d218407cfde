//! Vectors of eight doubles.
//!
//! Invariant: every operation has one order of additions, so its bits are the same on every machine. Fused operations
//! are left out.

use bytemuck::{Pod, Zeroable};
use core::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

/// Axes of a field.
pub const AXES: usize = 8;

/// A place or direction in a field.
///
/// ```
/// use diptych_components::eidolon::Vec8;
/// let (x, y) = (Vec8::axis(0), Vec8::axis(1));
/// assert_eq!((x + y * 2.0).length_squared(), 5.0);
/// assert_eq!(x.dot(y), 0.0);
/// ```
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Vec8(pub [f64; AXES]);

impl Vec8 {
    /// The middle.
    pub const ZERO: Vec8 = Vec8([0.0; AXES]);

    /// One along an axis.
    ///
    /// # Panics
    /// If there is no such axis.
    #[must_use]
    pub const fn axis(axis: usize) -> Vec8 {
        let mut unit = [0.0; AXES];
        unit[axis] = 1.0;
        Vec8(unit)
    }

    /// Applies a function to each number.
    #[inline]
    #[must_use]
    pub fn map(self, f: impl FnMut(f64) -> f64) -> Vec8 {
        Vec8(self.0.map(f))
    }

    /// Combines two vectors number by number.
    #[inline(always)]
    #[must_use]
    pub fn zip(self, other: Vec8, f: impl Fn(f64, f64) -> f64) -> Vec8 {
        Vec8(core::array::from_fn(|axis| f(self.0[axis], other.0[axis])))
    }

    /// The sum of the products.
    #[inline(always)]
    #[must_use]
    pub fn dot(self, other: Vec8) -> f64 {
        // By halves, which a processor does side by side.
        let [a, b, c, d, e, f, g, h] = self.zip(other, |a, b| a * b).0;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    /// The dot product with itself.
    #[inline(always)]
    #[must_use]
    pub fn length_squared(self) -> f64 {
        self.dot(self)
    }

    /// Whether no number is further from 0 than `limit`; false where one is no number.
    #[must_use]
    pub fn is_within(&self, limit: f64) -> bool {
        self.0.iter().all(|number| number.abs() <= limit)
    }
}

impl Add for Vec8 {
    type Output = Vec8;
    #[inline(always)]
    fn add(self, other: Vec8) -> Vec8 {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Vec8 {
    type Output = Vec8;
    #[inline(always)]
    fn sub(self, other: Vec8) -> Vec8 {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul<f64> for Vec8 {
    type Output = Vec8;
    #[inline(always)]
    fn mul(self, factor: f64) -> Vec8 {
        Vec8(core::array::from_fn(|axis| self.0[axis] * factor))
    }
}

impl Neg for Vec8 {
    type Output = Vec8;
    #[inline(always)]
    fn neg(self) -> Vec8 {
        self.map(|number| -number)
    }
}

impl AddAssign for Vec8 {
    #[inline(always)]
    fn add_assign(&mut self, other: Vec8) {
        *self = *self + other;
    }
}

impl SubAssign for Vec8 {
    #[inline(always)]
    fn sub_assign(&mut self, other: Vec8) {
        *self = *self - other;
    }
}
