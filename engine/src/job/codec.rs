//! Bytes of requests and of answers: what is stored, digested and checked when it is read back.
//!
//! Invariant: equal values give equal bytes, and no bytes make a reader panic or allocate more than they hold.

use super::error::JobError;
use crate::buffer::{Codec, CodecError, Cursor, put_bytes};
use crate::id::Id;
use std::sync::Arc;
use std::time::Duration;

/// What a job gives: the encoded answer, or why there is none.
pub(crate) type Outcome = Result<Arc<[u8]>, JobError>;

/// A request that is open: state of the world, alone on its entity.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OpenRequest {
    pub(crate) job: Arc<str>,
    pub(crate) version: u32,
    /// Who asked.
    pub(crate) system: Arc<str>,
    /// The frame in which it was asked.
    pub(crate) frame: u64,
    pub(crate) bytes: Arc<[u8]>,
}

/// An answer on its way to the system that asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Letter {
    pub(crate) id: Id,
    pub(crate) request: Arc<[u8]>,
    pub(crate) outcome: Outcome,
}

/// The codec of [`OpenRequest`].
pub(crate) struct OpenRequestCodec;

impl Codec<OpenRequest> for OpenRequestCodec {
    fn encode(value: &OpenRequest, out: &mut Vec<u8>) {
        put_bytes(out, value.job.as_bytes());
        out.extend_from_slice(&value.version.to_le_bytes());
        put_bytes(out, value.system.as_bytes());
        out.extend_from_slice(&value.frame.to_le_bytes());
        put_bytes(out, &value.bytes);
    }

    fn decode(bytes: &[u8]) -> Result<OpenRequest, CodecError> {
        let mut from = Cursor(bytes);
        let job = from.text()?.into();
        let version = from.u32()?;
        let system = from.text()?.into();
        let frame = from.u64()?;
        let bytes = from.bytes()?.into();
        from.end()?;
        Ok(OpenRequest { job, version, system, frame, bytes })
    }

    fn blank() -> Option<OpenRequest> {
        Some(OpenRequest { job: "".into(), version: 0, system: "".into(), frame: 0, bytes: [].into() })
    }
}

const TAG_ANSWER: u8 = 0;
const TAG_FAILED: u8 = 1;
const TAG_PANICKED: u8 = 2;
const TAG_TIMED_OUT: u8 = 3;
const TAG_TOO_LARGE: u8 = 4;
const TAG_NO_THREAD: u8 = 5;

/// Bytes of a letter around its request and answer, at least.
const LETTER_BYTES_MIN: usize = 8 + 4 + 1;

impl Letter {
    pub(crate) fn size(&self) -> usize {
        let outcome = match &self.outcome {
            Ok(bytes) => bytes.len(),
            Err(JobError::Failed(text) | JobError::Panicked(text)) => text.len(),
            Err(_) => 12,
        };
        LETTER_BYTES_MIN + 4 + self.request.len() + outcome
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.bits().to_le_bytes());
        put_bytes(out, &self.request);
        match &self.outcome {
            Ok(bytes) => {
                out.push(TAG_ANSWER);
                put_bytes(out, bytes);
            }
            Err(JobError::Failed(text)) => {
                out.push(TAG_FAILED);
                put_bytes(out, text.as_bytes());
            }
            Err(JobError::Panicked(text)) => {
                out.push(TAG_PANICKED);
                put_bytes(out, text.as_bytes());
            }
            Err(JobError::TimedOut { after }) => {
                out.push(TAG_TIMED_OUT);
                out.extend_from_slice(&after.as_secs().to_le_bytes());
                out.extend_from_slice(&after.subsec_nanos().to_le_bytes());
            }
            Err(JobError::TooLarge { bytes, max }) => {
                out.push(TAG_TOO_LARGE);
                out.extend_from_slice(&bytes.to_le_bytes());
                out.extend_from_slice(&max.to_le_bytes());
            }
            Err(JobError::NoThread { lost }) => {
                out.push(TAG_NO_THREAD);
                out.extend_from_slice(&lost.to_le_bytes());
            }
        }
    }

    pub(crate) fn read(from: &mut Cursor<'_>) -> Result<Self, CodecError> {
        let id = Id::from_bits(from.u64()?);
        let request = from.bytes()?.into();
        let outcome = match from.u8()? {
            TAG_ANSWER => Ok(from.bytes()?.into()),
            TAG_FAILED => Err(JobError::Failed(from.text()?.to_owned())),
            TAG_PANICKED => Err(JobError::Panicked(from.text()?.to_owned())),
            TAG_TIMED_OUT => {
                let (seconds, nanos) = (from.u64()?, from.u32()?);
                if nanos >= 1_000_000_000 {
                    return Err(CodecError::new(format_args!("{nanos} nanoseconds are more than a second")));
                }
                Err(JobError::TimedOut { after: Duration::new(seconds, nanos) })
            }
            TAG_TOO_LARGE => Err(JobError::TooLarge { bytes: from.u64()?, max: from.u64()? }),
            TAG_NO_THREAD => Err(JobError::NoThread { lost: from.u32()? }),
            tag => return Err(CodecError::new(format_args!("{tag} is no kind of answer"))),
        };
        Ok(Self { id, request, outcome })
    }
}
