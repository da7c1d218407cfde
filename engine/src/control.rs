//! Switching systems off and on, and how often they run: inputs like any other, so that they replay.
//!
//! Invariant: a control is state of the world, an entity of its own type, as a rule one that an input made; so
//! it is stored, in the digest, and holds after a restart. Whatever made, changed or ended it, that takes effect
//! in the frame after its commit.

use crate::buffer::{Codec, CodecError};
use crate::input::Applier;
use crate::schedule::Turns;

/// The stored name of the type, and of its input.
pub(crate) const CONTROL_NAME: &str = "diptych.control";
/// The stored version.
pub(crate) const CONTROL_VERSION: u32 = 1;
/// Bytes of a system's name in a control that is sent as an input.
pub const CONTROL_NAME_BYTES_MAX: usize = 1024;

/// Whether and how often a system runs; send it with [`Inputs::control`](crate::Inputs::control).
///
/// The last control of a system holds, also after a restart. While a system does not run, its rows keep their
/// values (a strict type is not asked for coverage then), messages and answers wait for it, and transient
/// values pass it by.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Age(u64);
/// fn grow(mut ages: Query<Next<Age>>) {
///     ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
/// }
/// # fn main() -> diptych_engine::Result<()> {
/// let mut engine = Engine::in_memory()
///     .state::<Age>("life.age", 1)
///     .system("grow", grow)
///     .setup("life", |structure| {
///         structure.spawn((Age(0),));
///     })
///     .build()?;
/// engine.run(Pace::frames(3))?;
/// engine.inputs().control("operator", &Control::disable("grow"))?;
/// // The input belongs to the frame at whose end it arrives; from the next one on the system rests.
/// engine.run(Pace::frames(10))?;
/// assert_eq!(engine.view().single::<Age>().map(|age| age.0), Some(4));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    system: String,
    enabled: bool,
    every: u32,
}

impl Control {
    /// The system runs in every step, and in still frames if it is answering.
    pub fn enable(system: &str) -> Self {
        Self::every(system, 1)
    }

    /// The system does not run.
    pub fn disable(system: &str) -> Self {
        Self { system: system.to_owned(), enabled: false, every: 1 }
    }

    /// The system runs in steps whose number is a multiple of `frames`, and in still frames if it is answering.
    /// Every frame is a step, but for still ones.
    ///
    /// # Panics
    /// When `frames` is 0.
    pub fn every(system: &str, frames: u32) -> Self {
        assert!(frames > 0, "a system cannot run every 0 frames; give 1 or more");
        Self { system: system.to_owned(), enabled: true, every: frames }
    }

    /// The system's name.
    pub fn system(&self) -> &str {
        &self.system
    }

    pub(crate) fn turns(&self) -> Turns {
        Turns { enabled: self.enabled, every: self.every }
    }
}

/// `enabled u8 | every u32 | name` of at most so many bytes. An input's name is bounded; as a row is decoded any
/// name is taken, since what a system or an input has made of it must not keep the world from being opened.
pub(crate) struct ControlCodec<const NAME_MAX: usize>;

impl<const NAME_MAX: usize> Codec<Control> for ControlCodec<NAME_MAX> {
    fn encode(control: &Control, out: &mut Vec<u8>) {
        out.push(u8::from(control.enabled));
        out.extend_from_slice(&control.every.to_le_bytes());
        out.extend_from_slice(control.system.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Control, CodecError> {
        let (head, name) =
            bytes.split_at_checked(5).ok_or_else(|| CodecError::new("a control of 5 bytes or more"))?;
        let every = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        if head[0] > 1 || every == 0 || name.len() > NAME_MAX {
            return Err(CodecError::new(
                "a control that is neither on nor off, runs every 0 frames, or names too much",
            ));
        }
        let system = core::str::from_utf8(name).map_err(CodecError::new)?.to_owned();
        Ok(Control { system, enabled: head[0] == 1, every })
    }

    fn blank() -> Option<Control> {
        Some(Control::enable(""))
    }
}

/// Keeps the control of a system: over its old one, or as a new entity.
pub(crate) fn apply(applier: &mut Applier<'_, '_>, control: Control) {
    match applier.find::<Control>(|old| old.system == control.system) {
        Some(id) => {
            applier.set(id, control);
        }
        None => {
            applier.spawn((control,));
        }
    }
}
