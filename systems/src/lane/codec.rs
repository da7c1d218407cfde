//! The stored types of lanes as rows: the bytes that `diptych_components` draws.
//!
//! Invariant: canonical, as those are.

use crate::codec::codec;
use diptych_components::principal::{Principal, Window};
use diptych_components::script::{Handler, Rest, Suspended};
use diptych_components::session::Session;
use diptych_components::slp::Object;

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
