//! What an engine has done and how long it took; for people, never for results.
//!
//! Invariant: nothing here reaches state, digest or store.

use std::fmt;

/// Figures of an engine since it was built; times in nanoseconds.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Frames committed since the build.
    pub frames: u64,
    /// Of those: still ones, in which world time stood.
    pub still_frames: u64,
    /// Frames undone by rollbacks.
    pub frames_undone: u64,
    /// Bytes of what undoes frames.
    pub rollback_bytes: u64,
    /// Frames skipped by a pace that could not keep up.
    pub frames_skipped: u64,
    /// Time of the last timed wave (one frame of 64).
    pub wave_nanos: u64,
    /// Time of the last commit, with the waits for leases and for the queue.
    pub commit_nanos: u64,
    /// Time of the last encoding of a record.
    pub encode_nanos: u64,
    /// Time spent waiting for leases, in all.
    pub lease_wait_nanos: u64,
    /// Time spent waiting for room in the store's queue, in all.
    pub disk_wait_nanos: u64,
    /// Time of the store's slowest sync.
    pub sync_nanos: u64,
    /// Frames waiting for the store's writer.
    pub store_queue_frames: u64,
    /// Bytes waiting for the store's writer.
    pub store_queue_bytes: u64,
    /// Inputs waiting for the next commit.
    pub inputs_waiting: u64,
    /// Inputs applied.
    pub inputs_applied: u64,
    /// Inputs whose bytes were no value of their type.
    pub inputs_refused: u64,
    /// Changes that inputs were refused, of rows that are reserved to a system.
    pub changes_refused: u64,
    /// Commands on entities that were gone.
    pub commands_dropped: u64,
    /// Attachments that were refused: the parent was gone, the child itself, or below it.
    pub attachments_refused: u64,
    /// Requests of jobs that are open.
    pub jobs_open: u64,
    /// Answers of jobs taken, errors among them.
    pub jobs_answered: u64,
    /// Answers that were errors.
    pub jobs_failed: u64,
    /// Of those: jobs that ran into their timeout.
    pub jobs_timed_out: u64,
    /// Of those: jobs that panicked.
    pub jobs_panicked: u64,
    /// Of those: jobs whose answer was too large.
    pub jobs_too_large: u64,
    /// Answers for nobody: too late, or of a request that is gone.
    pub jobs_dropped: u64,
    /// Rows that their owner set twice in a frame (counted in debug builds).
    pub rows_set_twice: u64,
    /// Messages sent.
    pub messages_sent: u64,
    /// Messages waiting for their readers.
    pub messages_waiting: u64,
    /// Messages whose target was gone when their reader looked at the mail.
    pub messages_undeliverable: u64,
    /// Entities alive.
    pub entities: u64,
    /// Each system with the time it took when it was timed last (one frame of 64).
    pub systems: Vec<(String, u64)>,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "frames {} ({} still, skipped {}), entities {}",
            self.frames, self.still_frames, self.frames_skipped, self.entities
        )?;
        writeln!(
            f,
            "last wave {} ns, commit {} ns, encode {} ns, sync {} ns",
            self.wave_nanos, self.commit_nanos, self.encode_nanos, self.sync_nanos
        )?;
        writeln!(
            f,
            "waits: leases {} ns, disk {} ns; store queue {} frames, {} bytes",
            self.lease_wait_nanos, self.disk_wait_nanos, self.store_queue_frames, self.store_queue_bytes
        )?;
        writeln!(
            f,
            "inputs: {} applied, {} waiting, {} refused; {} changes refused, {} commands dropped, {} attachments refused, {} rows set twice",
            self.inputs_applied,
            self.inputs_waiting,
            self.inputs_refused,
            self.changes_refused,
            self.commands_dropped,
            self.attachments_refused,
            self.rows_set_twice
        )?;
        writeln!(f, "rollback: {} frames undone, {} bytes kept", self.frames_undone, self.rollback_bytes)?;
        writeln!(
            f,
            "messages: {} sent, {} waiting, {} undeliverable",
            self.messages_sent, self.messages_waiting, self.messages_undeliverable
        )?;
        writeln!(
            f,
            "jobs: {} open, {} answered, {} failed ({} timed out, {} panicked, {} too large), {} dropped",
            self.jobs_open,
            self.jobs_answered,
            self.jobs_failed,
            self.jobs_timed_out,
            self.jobs_panicked,
            self.jobs_too_large,
            self.jobs_dropped
        )?;
        self.systems.iter().try_for_each(|(name, nanos)| writeln!(f, "  {name}: {nanos} ns"))
    }
}
