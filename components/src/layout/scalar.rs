//! The numbers that fields are.
//!
//! Invariant: a number goes into a field only where it fits: no integer is cut, none becomes a fraction, and no finite
//! number an infinite one. Rounding to the nearest `f32` is the one loss, and all NaNs become one.

use core::fmt;

/// What a field is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ScalarKind {
    /// 32 bits of a real.
    F32,
    /// 64 bits of a real.
    F64,
    /// 8 bits with a sign.
    I8,
    /// 8 bits.
    U8,
    /// 16 bits with a sign.
    I16,
    /// 16 bits.
    U16,
    /// 32 bits with a sign.
    I32,
    /// 32 bits.
    U32,
    /// A byte: 0 is false, any other true; 1 is written.
    Bool,
}

impl ScalarKind {
    /// Every kind.
    pub const ALL: [Self; 9] =
        [Self::F32, Self::F64, Self::I8, Self::U8, Self::I16, Self::U16, Self::I32, Self::U32, Self::Bool];

    /// Its name in texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::Bool => "bool",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its bytes, and its alignment.
    #[must_use]
    pub const fn size(self) -> u32 {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 => 8,
        }
    }
}

/// What stands in a field, or is to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Scalar {
    /// Of an integer field.
    Integer(i64),
    /// Of a real field.
    Real(f64),
    /// Of a bool.
    Bool(bool),
}

impl Scalar {
    /// As a real; a bool is 0 or 1.
    #[must_use]
    pub fn as_real(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
            Self::Bool(truth) => f64::from(u8::from(truth)),
        }
    }

    /// The value in `bytes`, which are as many as `kind` has.
    pub(super) fn read(kind: ScalarKind, bytes: &[u8]) -> Self {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_le_bytes(wide);
        match kind {
            ScalarKind::F32 => Self::Real(f64::from(f32::from_bits(bits as u32))),
            ScalarKind::F64 => Self::Real(f64::from_bits(bits)),
            ScalarKind::I8 => Self::Integer(i64::from(bits as i8)),
            ScalarKind::I16 => Self::Integer(i64::from(bits as i16)),
            ScalarKind::I32 => Self::Integer(i64::from(bits as i32)),
            ScalarKind::U8 | ScalarKind::U16 | ScalarKind::U32 => Self::Integer(bits as i64),
            ScalarKind::Bool => Self::Bool(bits != 0),
        }
    }

    /// The bytes of the value as a field of this kind, of which the first `kind.size()` count; `None` where it does
    /// not fit.
    pub(super) fn to_bytes(self, kind: ScalarKind) -> Option<[u8; 8]> {
        let bits = match (kind, self) {
            (ScalarKind::F64, Self::Integer(integer)) => exact(integer)?.to_bits(),
            // Which of its many forms a NaN has may depend on the machine; in a value it has one.
            (ScalarKind::F64, Self::Real(real)) if real.is_nan() => f64::NAN.to_bits(),
            (ScalarKind::F32, Self::Real(real)) if real.is_nan() => u64::from(f32::NAN.to_bits()),
            (ScalarKind::F64, Self::Real(real)) => real.to_bits(),
            (ScalarKind::F32, Self::Integer(integer)) => u64::from((exact(integer)? as f32).to_bits()),
            (ScalarKind::F32, Self::Real(real)) => {
                let single = real as f32;
                if single.is_infinite() && real.is_finite() {
                    return None;
                }
                u64::from(single.to_bits())
            }
            (ScalarKind::I8, Self::Integer(integer)) => i8::try_from(integer).ok()? as u64,
            (ScalarKind::I16, Self::Integer(integer)) => i16::try_from(integer).ok()? as u64,
            (ScalarKind::I32, Self::Integer(integer)) => i32::try_from(integer).ok()? as u64,
            (ScalarKind::U8, Self::Integer(integer)) => u64::from(u8::try_from(integer).ok()?),
            (ScalarKind::U16, Self::Integer(integer)) => u64::from(u16::try_from(integer).ok()?),
            (ScalarKind::U32, Self::Integer(integer)) => u64::from(u32::try_from(integer).ok()?),
            (ScalarKind::Bool, Self::Bool(truth)) => u64::from(truth),
            (ScalarKind::Bool, Self::Integer(bit @ (0 | 1))) => bit as u64,
            _ => return None,
        };
        Some(bits.to_le_bytes())
    }
}

/// The integer as a real, where there is one.
fn exact(integer: i64) -> Option<f64> {
    let real = integer as f64;
    (real as i128 == i128::from(integer)).then_some(real)
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Real(real) => write!(f, "{real:?}"),
            Self::Bool(truth) => write!(f, "{truth}"),
        }
    }
}

macro_rules! from {
    ($variant:ident: $($from:ty),*) => {$(
        impl From<$from> for Scalar {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from!(Integer: i8, u8, i16, u16, i32, u32, i64);
from!(Real: f32, f64);
from!(Bool: bool);
