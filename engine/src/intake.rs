//! Intakes: doors through which a system takes what comes from outside in a wave, such as requests of clients.
//!
//! Invariant: what a frame took is noted in it, as bytes, and goes into the log of inputs with it; in a replay the
//! door gives those bytes and nothing else. So a frame that takes from outside can be made again.
//! Left out: inputs, which the commit itself applies, and what the bytes mean.

use crate::builder::EngineBuilder;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Bytes that one intake may take in a frame; who takes more stops the engine.
pub const INTAKE_BYTES_MAX: usize = 1 << 30;

/// A door from outside into one system; clones are handles of the same one. See [`Registrar::intake`].
///
/// A system that takes something from a queue of its own asks [`Intake::replayed`] first. Where that gives bytes, the
/// frame is being made again, and they are what it took then. Else it takes what there is, and notes it.
///
/// ```
/// use diptych_engine::prelude::*;
/// use std::sync::{Arc, Mutex};
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Heard(u64);
///
/// let queue = Arc::new(Mutex::new(vec![7_u8]));
/// let mut builder = Engine::in_memory().state::<Heard>("radio.heard", 1);
/// let intake = builder.intake("radio.bytes", 1);
/// let mut engine = builder
///     .system("radio", move |mut heard: Query<Next<Heard>>| {
///         let bytes = intake.replayed().unwrap_or_else(|| std::mem::take(&mut queue.lock().unwrap()));
///         intake.note(|out| out.extend_from_slice(&bytes));
///         let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
///         heard.par_rows(|mut heard| heard.set(Heard(heard.prev().0 + sum)));
///     })
///     .setup("radio", |structure| {
///         structure.spawn((Heard(0),));
///     })
///     .build()?;
/// engine.run(Pace::frames(3))?;
/// assert_eq!(engine.view().single::<Heard>().map(|heard| heard.0), Some(7));
/// # Ok::<(), diptych_engine::Error>(())
/// ```
///
/// [`Registrar::intake`]: crate::Registrar::intake
#[derive(Clone, Debug)]
pub struct Intake(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    version: u32,
    /// Whether somebody keeps what is noted.
    kept: AtomicBool,
    /// Whether the frame being made is one that was made before.
    replaying: AtomicBool,
    /// Whether `bytes` are some.
    some: AtomicBool,
    /// What was noted in this frame; in a replay, what was then.
    bytes: Mutex<Vec<u8>>,
}

impl Intake {
    pub(crate) fn new(name: &str, version: u32) -> Self {
        let inner = Inner {
            name: name.to_owned(),
            version,
            kept: AtomicBool::new(false),
            replaying: AtomicBool::new(false),
            some: AtomicBool::new(false),
            bytes: Mutex::default(),
        };
        Self(Arc::new(inner))
    }

    /// The stored name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn version(&self) -> u32 {
        self.0.version
    }

    /// In a replay what this frame took when it was made, no bytes where it took nothing. `None` in a frame that is
    /// made for the first time.
    pub fn replayed(&self) -> Option<Vec<u8>> {
        // Relaxed, all of them: they change between waves, and the pool's joins order that.
        if !self.0.replaying.load(Ordering::Relaxed) {
            return None;
        }
        Some(if self.0.some.load(Ordering::Relaxed) { self.0.bytes.lock().clone() } else { Vec::new() })
    }

    /// Whether a note would be kept: where none is, nothing needs to be encoded.
    pub fn is_kept(&self) -> bool {
        self.0.kept.load(Ordering::Relaxed) && !self.0.replaying.load(Ordering::Relaxed)
    }

    /// Notes what this frame takes: `write` appends it. Called by one system, in its wave; several notes of a frame
    /// stand one after the other.
    ///
    /// # Panics
    /// When a frame takes more than [`INTAKE_BYTES_MAX`].
    pub fn note(&self, write: impl FnOnce(&mut Vec<u8>)) {
        if !self.is_kept() {
            return;
        }
        let mut bytes = self.0.bytes.lock();
        write(&mut bytes);
        assert!(
            bytes.len() <= INTAKE_BYTES_MAX,
            "{} took {} bytes in a frame, the limit is {INTAKE_BYTES_MAX}",
            self.0.name,
            bytes.len()
        );
        self.0.some.store(!bytes.is_empty(), Ordering::Relaxed);
    }

    /// Says whether notes are kept.
    pub(crate) fn keep(&self, kept: bool) {
        self.0.kept.store(kept, Ordering::Relaxed);
    }

    /// Shows what was noted, if anything, and forgets it.
    #[cfg(feature = "store")]
    pub(crate) fn take(&self, show: impl FnOnce(&[u8])) {
        if self.0.some.swap(false, Ordering::Relaxed) {
            let mut bytes = self.0.bytes.lock();
            show(&bytes);
            bytes.clear();
        }
    }

    /// The next frame is made again, and took these bytes; `None` when the replay is over.
    pub(crate) fn replay(&self, taken: Option<&[u8]>) {
        let bytes = taken.unwrap_or_default();
        let mut own = self.0.bytes.lock();
        own.clear();
        own.extend_from_slice(bytes);
        self.0.some.store(!bytes.is_empty(), Ordering::Relaxed);
        self.0.replaying.store(taken.is_some(), Ordering::Relaxed);
    }
}

impl EngineBuilder {
    /// See [`Registrar::intake`](crate::Registrar::intake).
    pub fn intake(&mut self, name: &str, version: u32) -> Intake {
        self.registrar.intake(name, version)
    }
}
