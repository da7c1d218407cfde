//! What a scene has to say of a frame in numbers: for reports, series and plots.
//!
//! Invariant: a measure follows from the frame that is seen alone, so equal frames have equal measures.

/// A named number of a committed frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// Its key in reports, in snake case: `momentum_error`.
    pub name: &'static str,
    /// Its value.
    pub value: Quantity,
}

/// A number as it is counted or measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quantity {
    /// So many of something.
    Count(u64),
    /// In the scene's units; relative where the name says error or drift.
    Real(f64),
}

impl Measure {
    /// So many of something.
    #[must_use]
    pub fn count(name: &'static str, value: u64) -> Measure {
        Measure { name, value: Quantity::Count(value) }
    }

    /// A real number.
    #[must_use]
    pub fn real(name: &'static str, value: f64) -> Measure {
        Measure { name, value: Quantity::Real(value) }
    }
}
