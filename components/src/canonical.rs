//! Values with one encoding: what keys and values of stored containers must be able to do.
//!
//! Invariant: equal values have equal bytes and other values others; no bytes make a reader panic, allocate more than
//! they hold, or loop without taking bytes. Left out: floats by themselves, whose `==` does not tell 0.0 from -0.0;
//! [`Real`] does.

use crate::fields::{FieldError, Fields, put_bytes};
use core::cmp::{Ordering, Reverse};

/// A value that is written in one way only, and can be read back among others.
///
/// # Examples
/// ```
/// use diptych_components::canonical::Canonical;
/// use diptych_components::fields::Fields;
/// let mut bytes = Vec::new();
/// (7_u16, "cart".to_owned()).put(&mut bytes);
/// assert_eq!(bytes, [7, 0, 4, 0, 0, 0, b'c', b'a', b'r', b't']);
/// assert_eq!(<(u16, String)>::read(&mut Fields(&bytes)), Ok((7, "cart".to_owned())));
/// ```
pub trait Canonical: Sized {
    /// Appends its bytes.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes the next value from `fields`.
    ///
    /// # Errors
    /// When the bytes there are not a value. Must not panic on any bytes.
    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError>;
}

/// A double with a total order in which equal means equal bits: `-0.0 < 0.0`, and NaNs lie at the ends.
///
/// # Examples
/// ```
/// use diptych_components::canonical::Real;
/// assert!(Real(-0.0) < Real(0.0) && Real(f64::NAN) == Real(f64::NAN));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Real(pub f64);

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Real {}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Canonical for Real {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.to_bits().put(out);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        u64::read(fields).map(|bits| Self(f64::from_bits(bits)))
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Canonical for $integer {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
                let bytes = fields.take(size_of::<Self>())?;
                Ok(Self::from_le_bytes(bytes.try_into().expect("as many were taken")))
            }
        }
    )*};
}

integers!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

impl Canonical for () {
    fn put(&self, _: &mut Vec<u8>) {}

    fn read(_: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(())
    }
}

impl Canonical for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        match fields.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(FieldError(format!("{other} stands where 0 or 1 should"))),
        }
    }
}

impl Canonical for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.as_bytes());
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        fields.text().map(str::to_owned)
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        bool::read(fields)?.then(|| T::read(fields)).transpose()
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_count(self.len(), out);
        self.iter().for_each(|value| value.put(out));
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let mut values = Vec::new();
        for _ in 0..fields.u32()? {
            let before = fields.0.len();
            values.push(T::read(fields)?);
            // Else a few bytes could ask for billions of rounds.
            if fields.0.len() == before {
                return Err(FieldError("a list holds values without bytes".to_owned()));
            }
        }
        Ok(values)
    }
}

impl<A: Canonical, B: Canonical> Canonical for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok((A::read(fields)?, B::read(fields)?))
    }
}

impl<T: Canonical> Canonical for Reverse<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        T::read(fields).map(Self)
    }
}

/// Appends a count as a `u32`.
///
/// # Panics
/// When it is 2^32 or more; what is stored is bounded below.
pub(crate) fn put_count(count: usize, out: &mut Vec<u8>) {
    u32::try_from(count).expect("what is stored is bounded below 2^32").put(out);
}

#[cfg(test)]
mod tests {
    use super::{Canonical, Fields, Real, Reverse};

    fn round<T: Canonical + PartialEq + core::fmt::Debug>(value: T) {
        let mut bytes = Vec::new();
        value.put(&mut bytes);
        for end in 0..bytes.len() {
            assert!(T::read(&mut Fields(&bytes[..end])).is_err(), "{value:?} from {end} of its bytes");
        }
        let mut fields = Fields(&bytes);
        assert_eq!(T::read(&mut fields), Ok(value));
        assert!(fields.end().is_ok());
    }

    /// Claim: every kind of value comes back as it was, and never from a part of its bytes.
    #[test]
    fn values_come_back() {
        round(u8::MAX);
        round(i128::MIN);
        round(Real(f64::NAN));
        round(Real(-0.0));
        round(vec![Some("a".to_owned()), None, Some(String::new())]);
        round((Reverse(3_i64), (true, vec![1_u16, 2])));
    }

    /// Claim: a second encoding of a value is refused: a bool of 2, a list of nothings, text that is no UTF-8.
    #[test]
    fn other_bytes_are_refused() {
        assert!(bool::read(&mut Fields(&[2])).is_err());
        assert!(Option::<u8>::read(&mut Fields(&[2, 0])).is_err());
        assert!(Vec::<()>::read(&mut Fields(&[255, 255, 255, 255])).is_err());
        assert!(Vec::<u64>::read(&mut Fields(&[255, 255, 255, 255, 0])).is_err());
        assert!(String::read(&mut Fields(&[1, 0, 0, 0, 0xff])).is_err());
    }
}
