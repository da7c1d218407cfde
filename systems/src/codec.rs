//! The engine's door to stored values that bring their own bytes.

/// Hands the bytes on to the type's own functions.
macro_rules! codec {
    ($(#[$doc:meta])* $name:ident, $value:ty, $blank:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl diptych_engine::Codec<$value> for $name {
            fn encode(value: &$value, out: &mut Vec<u8>) {
                value.encode(out);
            }

            fn decode(bytes: &[u8]) -> Result<$value, diptych_engine::CodecError> {
                <$value>::decode(bytes).map_err(diptych_engine::CodecError::new)
            }

            fn blank() -> Option<$value> {
                Some($blank)
            }
        }
    };
}

pub(crate) use codec;
