//! The stored types of lanes as rows: the bytes that `diptych_components` draws.
//!
//! Invariant: canonical, as those are.

use diptych_components::principal::{Principal, Window};
use diptych_components::script::{Handler, Rest, Suspended};
use diptych_components::session::Session;
use diptych_components::slp::Object;
use diptych_engine::{Codec, CodecError};

/// Hands the bytes on to the type's own functions.
macro_rules! codec {
    ($(#[$doc:meta])* $name:ident, $value:ty, $blank:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Codec<$value> for $name {
            fn encode(value: &$value, out: &mut Vec<u8>) {
                value.encode(out);
            }

            fn decode(bytes: &[u8]) -> Result<$value, CodecError> {
                <$value>::decode(bytes).map_err(CodecError::new)
            }

            fn blank() -> Option<$value> {
                Some($blank)
            }
        }
    };
}

codec!(
    /// Of [`Principal`].
    PrincipalCodec,
    Principal,
    Principal::default()
);
codec!(
    /// Of [`Window`].
    WindowCodec,
    Window,
    Window::default()
);
codec!(
    /// Of [`Session`].
    SessionCodec,
    Session,
    Session { id: "".into(), principal: "".into(), scope: "".into(), ends: 0 }
);
codec!(
    /// Of [`Handler`].
    HandlerCodec,
    Handler,
    Handler { session: "".into(), channel: 0, topic: 0, body: Object::none() }
);
codec!(
    /// Of [`Suspended`].
    SuspendedCodec,
    Suspended,
    Suspended {
        session: "".into(),
        rest: Rest::Event,
        deadline: 0,
        awaits: [].into(),
        machine: [].into(),
    }
);
