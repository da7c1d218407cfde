//! Bugs that are put in on purpose, one at a time, to see that the tests find them.
//!
//! Invariant: without the feature `seeded-bugs` nothing of this is in the program: every question is a constant `false`.
//! Each bug is one line where it is done. Left out: who looks for them (the torture chamber of the crate `tests`).

use core::sync::atomic::{AtomicU64, Ordering};

macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident = $name:literal;)+) => {
        /// A bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug {
            $($(#[$doc])* $bug,)+
        }

        /// All of them.
        pub const BUGS: &[Bug] = &[$(Bug::$bug),+];

        impl Bug {
            /// What it is called in reports.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => $name,)+
                }
            }
        }
    };
}

bugs! {
    /// Rows that were not written are not carried over, now and then.
    SkippedCarry = "skipped carry";
    /// A record is written, and the next one does not follow it.
    CommitWithoutHead = "commit without head";
    /// Serial numbers come from one counter of the process, in the order of threads.
    SharedAllocator = "ids from the shared allocator";
    /// Structure is carried out in the order of a hash that differs from process to process.
    HashOrder = "hash-map order";
    /// An input is taken and not applied, now and then.
    LostInput = "lost input";
    /// An input writes the slot that is not read before the frame after next.
    LateFlip = "late flip";
    /// Mail that was recovered is read twice.
    DoubleDelivery = "double delivery";
    /// A frame is called durable before the sync that makes it so.
    UnsyncedAcknowledgement = "unsynced acknowledgement";
    /// A slot of the watermark is written by half.
    TruncatedWatermark = "truncated watermark";
    /// A page that changed keeps its sum, now and then.
    StaleDigestPage = "stale digest page";
    /// Records do not say how far names were used.
    LostSerial = "lost serial";
    /// Records do not say which rows went.
    ForgottenRemoval = "forgotten removal";
    /// Transient values of inputs stay for a frame too long.
    LingeringTransient = "lingering transient";
    /// While a checkpoint is copied, records leave out rows that moved.
    LostMove = "lost move";
    /// A checkpoint ends before its last rows are copied.
    ShortCheckpoint = "short checkpoint";
    /// A rollback leaves a row as it is, now and then.
    WrongUndo = "wrong undo";
    /// A rollback forgets what the frame changed, now and then.
    MarkNotUndone = "mark not undone";
    /// Names that undone frames have used stay used.
    SerialNotUndone = "serial not undone";
    /// Records of undone frames are handed out as if those had been made.
    UndoneRecords = "records of undone frames";
    /// A view leaves out the first frame of a delta, now and then.
    DeltaWithoutRows = "delta without rows";
    /// A view does not hear which rows went.
    DeltaWithoutRemovals = "delta without removals";
    /// The first of patches that are refused is carried out.
    HalfPatch = "half a patch";
    /// An import does not know how far the last name was used.
    ImportWithoutSerial = "import without a serial";
    /// A snapshot, or a directory made from one, does not say what the frame changed, now and then.
    SnapshotWithoutMark = "snapshot without a mark";
}

/// 0, or the place of the bug + 1.
static PLANTED: AtomicU64 = AtomicU64::new(0);
/// How often the bug could have shown.
static CHANCES: AtomicU64 = AtomicU64::new(0);

/// Plants a bug in this process, or takes it out.
#[cfg(feature = "seeded-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.store(bug.map_or(0, |bug| bug as u64 + 1), Ordering::Relaxed);
    CHANCES.store(0, Ordering::Relaxed);
}

/// Whether this bug is planted.
#[inline(always)]
pub(crate) fn is(bug: Bug) -> bool {
    cfg!(feature = "seeded-bugs") && PLANTED.load(Ordering::Relaxed) == bug as u64 + 1
}

/// Whether it is, and this is the time: one of seven.
#[inline(always)]
pub(crate) fn now_and_then(bug: Bug) -> bool {
    is(bug) && CHANCES.fetch_add(1, Ordering::Relaxed) % 7 == 3
}

/// The next number of a counter that the whole process shares.
pub(crate) fn shared_number() -> u64 {
    CHANCES.fetch_add(1, Ordering::Relaxed)
}

/// A hash that no other process gives.
pub(crate) fn process_hash(name: &str) -> u64 {
    static START: AtomicU64 = AtomicU64::new(0);
    if START.load(Ordering::Relaxed) == 0 {
        START.store(u64::from(std::process::id()) << 1 | 1, Ordering::Relaxed);
    }
    xxhash_rust::xxh3::xxh3_64_with_seed(name.as_bytes(), START.load(Ordering::Relaxed))
}

static RECOVERED_MAIL: AtomicU64 = AtomicU64::new(0);

/// Mail was recovered.
pub(crate) fn note_recovered_mail() {
    if is(Bug::DoubleDelivery) {
        RECOVERED_MAIL.store(1, Ordering::Relaxed);
    }
}

/// Whether mail that has just been read is to be read once more.
pub(crate) fn is_redelivered() -> bool {
    is(Bug::DoubleDelivery) && RECOVERED_MAIL.swap(0, Ordering::Relaxed) == 1
}

/// A slot of the watermark, or half of it.
#[cfg(feature = "store")]
pub(crate) fn halved(slot: &[u8]) -> &[u8] {
    let half = now_and_then(Bug::TruncatedWatermark);
    &slot[..if half { slot.len() / 2 } else { slot.len() }]
}
