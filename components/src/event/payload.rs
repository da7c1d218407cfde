//! Values of Rust as what events carry, and back.
//!
//! Invariant: what goes in comes out: `T::from_object(&value.to_object())` is `Some(value)` for every type that has
//! both. Left out: conversions that lose something, such as a real read as an integer.

use crate::slp::{Kind, Object};

/// What can be published.
pub trait ToObject {
    /// The value as an object.
    fn to_object(&self) -> Object;
}

/// What an event can be read as.
pub trait FromObject: Sized {
    /// The value; `None` where `object` is something else.
    fn from_object(object: &Object) -> Option<Self>;
}

impl ToObject for Object {
    fn to_object(&self) -> Object {
        self.clone()
    }
}

impl FromObject for Object {
    fn from_object(object: &Object) -> Option<Self> {
        Some(object.clone())
    }
}

impl ToObject for i64 {
    #[inline]
    fn to_object(&self) -> Object {
        Object::integer(*self)
    }
}

impl FromObject for i64 {
    #[inline]
    fn from_object(object: &Object) -> Option<Self> {
        object.view().integer()
    }
}

impl ToObject for f64 {
    #[inline]
    fn to_object(&self) -> Object {
        Object::real(*self)
    }
}

impl FromObject for f64 {
    #[inline]
    fn from_object(object: &Object) -> Option<Self> {
        object.view().real()
    }
}

impl ToObject for bool {
    fn to_object(&self) -> Object {
        Object::boolean(*self)
    }
}

impl FromObject for bool {
    fn from_object(object: &Object) -> Option<Self> {
        match object.view().symbol()? {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }
}

impl ToObject for () {
    fn to_object(&self) -> Object {
        Object::none()
    }
}

impl FromObject for () {
    fn from_object(object: &Object) -> Option<Self> {
        (object.kind() == Kind::None).then_some(())
    }
}

impl ToObject for str {
    fn to_object(&self) -> Object {
        Object::string(self)
    }
}

impl ToObject for String {
    fn to_object(&self) -> Object {
        Object::string(self)
    }
}

impl FromObject for String {
    fn from_object(object: &Object) -> Option<Self> {
        Self::from_utf8(object.view().string()?.to_vec()).ok()
    }
}

impl ToObject for [u8] {
    fn to_object(&self) -> Object {
        Object::string(self)
    }
}

impl ToObject for Vec<u8> {
    fn to_object(&self) -> Object {
        Object::string(self)
    }
}

impl FromObject for Vec<u8> {
    fn from_object(object: &Object) -> Option<Self> {
        object.view().string().map(<[u8]>::to_vec)
    }
}

impl<T: ToObject + ?Sized> ToObject for &T {
    #[inline]
    fn to_object(&self) -> Object {
        T::to_object(self)
    }
}

/// A tuple is a list in brackets: `[3 "carts"]`.
macro_rules! tuple {
    ($($type:ident $index:tt),+; $count:literal) => {
        impl<$($type: ToObject),+> ToObject for ($($type,)+) {
            fn to_object(&self) -> Object {
                Object::list(Kind::Bracket, &[$(self.$index.to_object()),+])
            }
        }

        impl<$($type: FromObject),+> FromObject for ($($type,)+) {
            fn from_object(object: &Object) -> Option<Self> {
                if object.kind() != Kind::Bracket || object.view().len() != $count {
                    return None;
                }
                Some(($($type::from_object(&object.child($index)?)?,)+))
            }
        }
    };
}

tuple!(A 0, B 1; 2);
tuple!(A 0, B 1, C 2; 3);
tuple!(A 0, B 1, C 2, D 3; 4);
