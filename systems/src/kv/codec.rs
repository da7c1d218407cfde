//! How entries are stored: the engine's door to the codecs of `diptych_components::kv`.

use diptych_components::kv::{Key, Value};
use diptych_engine::{Codec, CodecError};

/// Of [`Key`].
#[derive(Debug)]
pub struct KeyCodec;

impl Codec<Key> for KeyCodec {
    fn encode(value: &Key, out: &mut Vec<u8>) {
        value.encode(out);
    }

    fn decode(bytes: &[u8]) -> Result<Key, CodecError> {
        Key::decode(bytes).map_err(CodecError::new)
    }

    fn blank() -> Option<Key> {
        Some(Key::blank())
    }
}

/// Of [`Value`].
#[derive(Debug)]
pub struct ValueCodec;

impl Codec<Value> for ValueCodec {
    fn encode(value: &Value, out: &mut Vec<u8>) {
        value.encode(out);
    }

    fn decode(bytes: &[u8]) -> Result<Value, CodecError> {
        Value::decode(bytes).map_err(CodecError::new)
    }

    fn blank() -> Option<Value> {
        Some(Value::default())
    }
}
