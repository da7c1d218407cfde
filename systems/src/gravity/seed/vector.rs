//! Vectors as the source has them: by angle and length, and refusing what is no number.
//!
//! Invariant: no vector that these functions answer with is NaN. Sines and angles are those of `libm`, the same on every
//! machine.

use glam::DVec2;

/// A vector parameter was no number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Vector parameter is NaN")]
pub struct NotANumber;

/// What vectors of the source can do.
///
/// ```
/// use diptych_systems::gravity::seed::Vector;
/// use glam::DVec2;
///
/// let arrow = DVec2::arrow(core::f64::consts::FRAC_PI_2, 2.0).unwrap();
/// assert!((arrow - DVec2::new(0.0, 2.0)).length() < 1e-15);
/// assert!(arrow.with_length(f64::NAN).is_err());
/// ```
pub trait Vector: Sized {
    /// A vector by its angle, in radians, and its length.
    ///
    /// # Errors
    /// If that is no number, as for all of these.
    fn arrow(angle: f64, length: f64) -> Result<Self, NotANumber>;
    /// From the first axis, in radians; 0 for a vector without length.
    fn angle(&self) -> f64;
    /// The same length at another angle.
    ///
    /// # Errors
    /// If that is no number.
    fn with_angle(&self, angle: f64) -> Result<Self, NotANumber>;
    /// The same angle with another length; along the first axis for a vector without length.
    ///
    /// # Errors
    /// If that is no number.
    fn with_length(&self, length: f64) -> Result<Self, NotANumber>;
    /// Turned by an angle, counter-clockwise.
    ///
    /// # Errors
    /// If that is no number.
    fn turned(&self, angle: f64) -> Result<Self, NotANumber>;
    /// Its length, without overflow on the way.
    fn hypot(&self) -> f64;
    /// The sum.
    ///
    /// # Errors
    /// If that is no number.
    fn plus(&self, other: Self) -> Result<Self, NotANumber>;
}

fn checked(vector: DVec2) -> Result<DVec2, NotANumber> {
    if vector.is_nan() { Err(NotANumber) } else { Ok(vector) }
}

impl Vector for DVec2 {
    fn arrow(angle: f64, length: f64) -> Result<DVec2, NotANumber> {
        checked(DVec2::new(libm::cos(angle) * length, libm::sin(angle) * length))
    }

    fn angle(&self) -> f64 {
        libm::atan2(self.y, self.x)
    }

    fn with_angle(&self, angle: f64) -> Result<DVec2, NotANumber> {
        DVec2::arrow(angle, self.hypot())
    }

    fn with_length(&self, length: f64) -> Result<DVec2, NotANumber> {
        DVec2::arrow(Vector::angle(self), length)
    }

    fn turned(&self, angle: f64) -> Result<DVec2, NotANumber> {
        let (cos, sin) = (libm::cos(angle), libm::sin(angle));
        checked(DVec2::new(self.x * cos - self.y * sin, self.x * sin + self.y * cos))
    }

    fn hypot(&self) -> f64 {
        libm::hypot(self.x, self.y)
    }

    fn plus(&self, other: DVec2) -> Result<DVec2, NotANumber> {
        checked(*self + other)
    }
}

#[cfg(test)]
mod tests {
    use super::{NotANumber, Vector};
    use glam::DVec2;

    /// Claim: angles and lengths are kept where the other changes, and no function lets a NaN through.
    #[test]
    fn angles_lengths_and_nan() {
        let vector = DVec2::new(3.0, 4.0);
        let near = |a: DVec2, b: DVec2| (a - b).length() < 1e-14;
        assert!(vector.with_length(10.0).is_ok_and(|longer| near(longer, vector * 2.0)));
        assert!(vector.with_angle(0.0).is_ok_and(|turned| near(turned, DVec2::new(5.0, 0.0))));
        assert!(DVec2::X.turned(core::f64::consts::FRAC_PI_2).is_ok_and(|turned| near(turned, DVec2::Y)));
        assert_eq!(DVec2::ZERO.with_length(2.0), Ok(DVec2::new(2.0, 0.0)));
        assert_eq!(NotANumber.to_string(), "Vector parameter is NaN");
        let nan = DVec2::new(f64::NAN, 0.0);
        for result in [nan.with_length(1.0), vector.turned(f64::NAN), vector.plus(nan), nan.with_angle(1.0)] {
            assert_eq!(result, Err(NotANumber));
        }
        assert_eq!(DVec2::arrow(1.0, f64::NAN), Err(NotANumber));
    }
}
