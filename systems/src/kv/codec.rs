//! How entries are stored: the bytes that `diptych_components::kv` draws.

use crate::codec::codec;
use diptych_components::kv::{Key, Value};

codec!(
    /// Of [`Key`].
    KeyCodec,
    Key,
    Key::blank()
);
codec!(
    /// Of [`Value`].
    ValueCodec,
    Value,
    Value::default()
);
