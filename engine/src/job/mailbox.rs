//! What is open and what is answered: the state of the desk, and its bytes in the record of a frame.
//!
//! Invariant: equal mailboxes give equal bytes, empty ones none. A letter that is read back can be delivered:
//! request and answer are checked with the codecs of their job. When what changes is `annex`.

use super::JobSpec;
use super::codec::{Letter, OpenRequest, Outcome};
use super::error::JobError;
use crate::buffer::{CodecError, Cursor, put_bytes};
use crate::id::Id;
use crate::stats::Stats;
use crate::sync::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Who asked, and for which job.
type Key = (Arc<str>, Arc<str>);
/// Letters by their mailbox, with the version of the job.
type Read = BTreeMap<Key, (u32, Vec<Letter>)>;

#[derive(Default)]
pub(super) struct State {
    /// By (system, job).
    pub(super) mailboxes: BTreeMap<Key, Arc<Mailbox>>,
    pub(super) open: BTreeMap<Id, OpenRequest>,
    /// Answers that have come and are not taken yet.
    pub(super) done: BTreeMap<Id, Outcome>,
    pub(super) figures: Figures,
}

#[derive(Default)]
pub(super) struct Figures {
    answered: u64,
    failed: u64,
    timed_out: u64,
    panicked: u64,
    too_large: u64,
    pub(super) dropped: u64,
}

/// What a system that asks shares with the desk.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    /// Whether a system has this mailbox; a stored one may be of a system that is gone.
    pub(crate) held: AtomicBool,
    /// Whether the system has looked at its answers, or asked, in the frame being made.
    pub(crate) seen: AtomicBool,
    /// Open requests at the last commit.
    pub(crate) open: AtomicU32,
    /// The version of the job whose answers these are.
    pub(crate) version: AtomicU32,
    pub(super) letters: Mutex<Arc<Vec<Letter>>>,
}

impl Mailbox {
    /// The answers that the last commit left here.
    pub(crate) fn letters(&self) -> Arc<Vec<Letter>> {
        self.letters.lock().clone()
    }
}

impl State {
    /// Keeps the answers whose requests are open; others are dropped and counted.
    pub(super) fn collect(&mut self, answers: Vec<(u64, Outcome)>) {
        for (key, outcome) in answers {
            let id = Id::from_bits(key);
            if self.open.contains_key(&id) {
                self.done.insert(id, outcome);
            } else {
                self.figures.dropped += 1;
            }
        }
    }

    /// What systems have seen in the frame being made is gone, and what waits for systems that are gone.
    pub(super) fn clear_seen(&mut self) {
        for mailbox in self.mailboxes.values() {
            let seen = mailbox.seen.swap(false, Ordering::Relaxed);
            let held = mailbox.held.load(Ordering::Relaxed);
            if seen || !held {
                let mut letters = mailbox.letters.lock();
                if !held {
                    self.figures.dropped += letters.len() as u64;
                }
                if !letters.is_empty() {
                    Arc::make_mut(&mut letters).clear();
                }
            }
        }
    }

    /// Appends the answer of a request as the log of inputs has it.
    pub(super) fn note_answer(&self, id: Id, out: &mut Vec<u8>) {
        if let Some(outcome) = self.done.get(&id) {
            Letter { id, request: Arc::from([]), outcome: outcome.clone() }.write(out);
        }
    }

    /// In a replay the requests that were answered at this commit, with their answers; what does not fit is left out,
    /// and the digests will differ.
    pub(super) fn answered_then(&mut self, bytes: &[u8]) -> Vec<Id> {
        let (mut from, mut due) = (Cursor(bytes), Vec::new());
        while !from.0.is_empty() {
            match Letter::read(&mut from) {
                Ok(Letter { id, outcome, .. }) if self.open.contains_key(&id) => {
                    self.done.insert(id, outcome);
                    due.push(id);
                }
                Ok(Letter { id, .. }) => tracing::error!(%id, "an answer in the log is of no open request"),
                Err(error) => {
                    tracing::error!(%error, "the answers in the log cannot be read");
                    break;
                }
            }
        }
        due
    }

    pub(super) fn forget(&mut self, id: Id) -> bool {
        if self.open.remove(&id).is_none() {
            return false;
        }
        self.done.remove(&id);
        true
    }

    /// Tells the systems how many of their requests are open.
    pub(super) fn count_open(&self) {
        // Relaxed, as all the counts of a mailbox: the end of a wave comes between its writers and readers.
        self.mailboxes.values().for_each(|mailbox| mailbox.open.store(0, Ordering::Relaxed));
        for request in self.open.values() {
            if let Some(mailbox) = self.mailboxes.get(&(request.system.clone(), request.job.clone())) {
                mailbox.open.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Figures {
    pub(super) fn count(&mut self, outcome: &Outcome) {
        self.answered += 1;
        let Err(error) = outcome else { return };
        self.failed += 1;
        match error {
            JobError::TimedOut { .. } => self.timed_out += 1,
            JobError::Panicked(_) => self.panicked += 1,
            JobError::TooLarge { .. } => self.too_large += 1,
            JobError::Failed(_) | JobError::NoThread { .. } => {}
        }
    }

    pub(super) fn fill(&self, stats: &mut Stats) {
        stats.jobs_answered = self.answered;
        stats.jobs_failed = self.failed;
        stats.jobs_timed_out = self.timed_out;
        stats.jobs_panicked = self.panicked;
        stats.jobs_too_large = self.too_large;
        stats.jobs_dropped = self.dropped;
    }
}

impl State {
    pub(super) fn is_quiet(&self) -> bool {
        self.mailboxes.values().all(|mailbox| mailbox.letters.lock().is_empty())
    }

    pub(super) fn size(&self) -> usize {
        let sizes = self.mailboxes.iter().map(|((system, job), mailbox)| {
            let letters: usize = mailbox.letters.lock().iter().map(Letter::size).sum();
            system.len() + job.len() + 16 + letters
        });
        4 + sizes.sum::<usize>()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let full = || self.mailboxes.iter().filter(|(_, mailbox)| !mailbox.letters.lock().is_empty());
        out.extend_from_slice(&(full().count() as u32).to_le_bytes());
        for ((system, job), mailbox) in full() {
            let letters = mailbox.letters.lock();
            put_bytes(out, system.as_bytes());
            put_bytes(out, job.as_bytes());
            out.extend_from_slice(&mailbox.version.load(Ordering::Relaxed).to_le_bytes());
            out.extend_from_slice(&(letters.len() as u32).to_le_bytes());
            letters.iter().for_each(|letter| letter.write(out));
        }
    }

    /// Puts letters where they were.
    pub(super) fn restore(&mut self, letters: Read) {
        self.mailboxes.values().for_each(|mailbox| *mailbox.letters.lock() = Arc::default());
        for (key, (version, letters)) in letters {
            let mailbox = self.mailboxes.entry(key).or_default();
            mailbox.version.store(version, Ordering::Relaxed);
            *mailbox.letters.lock() = Arc::new(letters);
        }
    }
}

/// The job of a name.
pub(super) fn named<'a>(jobs: &'a [JobSpec], name: &str) -> Option<&'a JobSpec> {
    jobs.iter().find(|job| &*job.name == name)
}

/// Reads what [`State::write`] wrote.
pub(super) fn read_letters(jobs: &[JobSpec], bytes: &[u8]) -> Result<Read, CodecError> {
    let mut from = Cursor(bytes);
    let mut read = Read::new();
    for _ in 0..from.u32()? {
        let key: Key = (from.text()?.into(), from.text()?.into());
        let version = from.u32()?;
        if read.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(CodecError::new(format_args!("the answers for {} are out of order", key.0)));
        }
        let job = named(jobs, &key.1);
        if let Some(job) = job
            && job.version != version
        {
            return Err(CodecError::new(format_args!(
                "answers of {} version {version} wait for {}, and version {} is registered; let the program that made them deliver them first",
                key.1, key.0, job.version
            )));
        }
        let mut letters = Vec::new();
        for _ in 0..from.u32()? {
            letters.push(read_letter(job, &mut from)?);
        }
        if letters.is_empty() {
            return Err(CodecError::new(format_args!("a mailbox of {} without answers", key.0)));
        }
        read.insert(key, (version, letters));
    }
    from.end()?;
    Ok(read)
}

fn read_letter(job: Option<&JobSpec>, from: &mut Cursor<'_>) -> Result<Letter, CodecError> {
    let letter = Letter::read(from)?;
    if let Some(job) = job {
        (job.check_request)(&letter.request)?;
        letter.outcome.as_ref().map_or(Ok(()), |answer| (job.check_answer)(answer))?;
    }
    Ok(letter)
}

#[cfg(all(test, not(diptych_loom)))]
mod tests;
