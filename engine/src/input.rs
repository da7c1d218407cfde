//! What reaches a world from outside: values of registered types, from named sources, through one queue.
//!
//! Invariant: an input is bytes of a registered type with a version, never a closure, so that every one can
//! be logged and replayed. Inputs apply in order of arrival as the last step of a commit, and what they set
//! counts as set in that commit.

mod applier;

pub use applier::Applier;

use crate::buffer::{Codec, CodecError, PlainBytes};
use crate::control::Control;
use crate::error::{Error, Result};
use crate::ingress::{Ingress, Ticket, TryPushError};
use crate::patch::Desk;
use bytemuck::Pod;
use core::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of one input, encoded; larger ones are refused.
pub const INPUT_BYTES_MAX: usize = 1 << 24;

type Apply = Box<dyn Fn(&mut Applier<'_, '_>, &[u8]) -> Result<(), CodecError> + Send + Sync>;

/// A registered input type.
pub(crate) struct InputKind {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) apply: Apply,
    pub(crate) type_id: TypeId,
    /// `fn(&I, &mut Vec<u8>)` of the type behind `type_id`.
    encode: Box<dyn Any + Send + Sync>,
}

impl InputKind {
    pub(crate) fn pod<I: Pod + Send>(
        name: &str,
        version: u32,
        apply: impl Fn(&mut Applier<'_, '_>, I) + Send + Sync + 'static,
    ) -> Self {
        Self::coded::<I, PlainBytes>(name, version, apply)
    }

    /// An input whose application can refuse it; nothing must have changed then.
    pub(crate) fn fallible<I: Send + 'static, C: Codec<I>>(
        name: &str,
        version: u32,
        apply: impl Fn(&mut Applier<'_, '_>, I) -> Result<(), CodecError> + Send + Sync + 'static,
    ) -> Self {
        let encode: fn(&I, &mut Vec<u8>) = C::encode;
        Self {
            name: name.to_owned(),
            version,
            type_id: TypeId::of::<I>(),
            apply: Box::new(move |applier, bytes| apply(applier, C::decode(bytes)?)),
            encode: Box::new(encode),
        }
    }

    pub(crate) fn coded<I: Send + 'static, C: Codec<I>>(
        name: &str,
        version: u32,
        apply: impl Fn(&mut Applier<'_, '_>, I) + Send + Sync + 'static,
    ) -> Self {
        let encode: fn(&I, &mut Vec<u8>) = C::encode;
        Self {
            name: name.to_owned(),
            version,
            type_id: TypeId::of::<I>(),
            apply: Box::new(move |applier, bytes| {
                apply(applier, C::decode(bytes)?);
                Ok(())
            }),
            encode: Box::new(encode),
        }
    }
}

/// One input on its way.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) source: Arc<str>,
    /// Index into the registered kinds.
    pub(crate) kind: usize,
    pub(crate) bytes: Vec<u8>,
}

/// Sends inputs from any thread; cheap to clone.
#[derive(Clone)]
pub struct Inputs {
    queue: Ingress<Envelope>,
    kinds: Arc<Vec<InputKind>>,
    by_type: Arc<BTreeMap<TypeId, usize>>,
    /// The systems that can be controlled.
    systems: Arc<[String]>,
    /// Where patches are taken.
    desk: Option<Arc<Desk>>,
}

impl core::fmt::Debug for Inputs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inputs").field("waiting", &self.queue.len()).finish_non_exhaustive()
    }
}

impl Inputs {
    pub(crate) fn new(queue: Ingress<Envelope>, kinds: Vec<InputKind>, systems: Vec<String>) -> Self {
        let by_type = kinds.iter().enumerate().map(|(index, kind)| (kind.type_id, index)).collect();
        let systems = systems.into();
        Self { queue, kinds: Arc::new(kinds), by_type: Arc::new(by_type), systems, desk: None }
    }

    /// With the place for refused patches, where they are taken.
    pub(crate) fn with_desk(mut self, desk: Option<Arc<Desk>>) -> Self {
        self.desk = desk;
        self
    }

    pub(crate) fn desk(&self) -> Option<&Arc<Desk>> {
        self.desk.as_ref()
    }

    pub(crate) fn queue(&self) -> &Ingress<Envelope> {
        &self.queue
    }

    pub(crate) fn kinds(&self) -> &[InputKind] {
        &self.kinds
    }

    /// Sends an input; waits while the queue is full. The ticket says which commit applied it.
    ///
    /// # Errors
    /// When the type is not registered, the input is too large, the engine is gone, or the caller holds a
    /// lease, under which waiting for a commit would never end.
    pub fn send<I: Send + 'static>(&self, source: &str, input: &I) -> Result<Ticket> {
        let envelope = self.envelope(source, input)?;
        self.queue.push(envelope).map_err(|error| Error::Input(error.to_string()))
    }

    /// Sends an input if the queue has room.
    ///
    /// # Errors
    /// As [`Inputs::send`], and with a message that says "busy" when the queue is full.
    pub fn try_send<I: Send + 'static>(&self, source: &str, input: &I) -> Result<Ticket, TrySendError> {
        let envelope = self.envelope(source, input).map_err(TrySendError::Refused)?;
        self.queue.try_push(envelope).map_err(|error| match error {
            TryPushError::Busy(_) => TrySendError::Busy,
            other => TrySendError::Refused(Error::Input(other.to_string())),
        })
    }

    /// Switches a system off or on, or says how often it runs, from the frame after the next commit on.
    ///
    /// # Errors
    /// When there is no such system, and as [`Inputs::send`].
    pub fn control(&self, source: &str, control: &Control) -> Result<Ticket> {
        if !self.systems.iter().any(|name| name == control.system()) {
            let known = match &*self.systems {
                [] => "none".to_owned(),
                systems => systems.join(", "),
            };
            let name = control.system();
            return Err(Error::Input(format!("there is no system {name} to control; there are: {known}")));
        }
        self.send(source, control)
    }

    fn envelope<I: Send + 'static>(&self, source: &str, input: &I) -> Result<Envelope> {
        let kind = *self.by_type.get(&TypeId::of::<I>()).ok_or_else(|| {
            Error::Input(format!("{0} is no registered input; add .input::<{0}>(..)", type_name::<I>()))
        })?;
        let encode = self.kinds[kind].encode.downcast_ref::<fn(&I, &mut Vec<u8>)>();
        let mut bytes = Vec::new();
        encode.expect("kinds are found by their type")(input, &mut bytes);
        if bytes.len() > INPUT_BYTES_MAX {
            let (name, size) = (&self.kinds[kind].name, bytes.len());
            return Err(Error::Input(format!(
                "an input {name} of {size} bytes; the limit is {INPUT_BYTES_MAX}"
            )));
        }
        Ok(Envelope { source: source.into(), kind, bytes })
    }
}

/// Why an input was not taken at once.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrySendError {
    /// The queue is full; try again after the next commit.
    #[error("the input queue is full; try again after the next commit")]
    Busy,
    /// It will never be taken.
    #[error("{0}")]
    Refused(Error),
}
