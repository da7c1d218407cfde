//! Sessions: a principal at work in one scope.
//!
//! Invariant: only a session that holds a handler or a suspended script, or has a script on its way to a
//! processor, is stored, as `session.record`; the others end with the process.

use crate::fields::{FieldError, Fields, put_bytes};
use std::sync::Arc;

/// What is stored of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Unique in the world.
    pub id: Arc<str>,
    /// Whose permissions hold.
    pub principal: Arc<str>,
    /// Where its keys live.
    pub scope: Arc<str>,
    /// The step at which it ends; `u64::MAX` for none.
    pub ends: u64,
}

impl Session {
    /// `id | principal | scope | ends u64`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for name in [&self.id, &self.principal, &self.scope] {
            put_bytes(out, name.as_bytes());
        }
        out.extend_from_slice(&self.ends.to_le_bytes());
    }

    /// Reads one back.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Fields(bytes);
        let [id, principal, scope] = [fields.text()?, fields.text()?, fields.text()?].map(Arc::from);
        let session = Self { id, principal, scope, ends: fields.u64()? };
        fields.end()?;
        Ok(session)
    }
}
