//! Bytes of mailboxes: what is written is read back, and no other bytes do harm.

use super::*;
use crate::buffer::PlainBytes;
use crate::job::Job;
use proptest::prelude::*;
use std::time::Duration;

struct Double;

impl Job for Double {
    type Request = u32;
    type Answer = u64;
}

fn jobs() -> Vec<JobSpec> {
    let run = || JobSpec::call::<Double, PlainBytes, PlainBytes>(|n| Ok(u64::from(*n)));
    vec![JobSpec::new::<Double, PlainBytes, PlainBytes>("double", 3, run())]
}

fn full() -> State {
    let outcomes = [
        Ok(7_u64.to_le_bytes().as_slice().into()),
        Err(JobError::Failed("no".to_owned())),
        Err(JobError::Panicked(String::new())),
        Err(JobError::TimedOut { after: Duration::new(3, 5) }),
        Err(JobError::TooLarge { bytes: 1 << 40, max: 1 << 20 }),
        Err(JobError::NoThread { lost: 17 }),
    ];
    let request: Arc<[u8]> = 5_u32.to_le_bytes().as_slice().into();
    let letters = outcomes.into_iter().enumerate().map(|(n, outcome)| Letter {
        id: Id::from_bits(n as u64 + 1),
        request: request.clone(),
        outcome,
    });
    let letters: Vec<Letter> = letters.collect();
    let mut state = State::default();
    // The second is of a job that is not registered any more.
    let keys = [("ask", "double"), ("ask", "gone"), ("other", "double")];
    let key = |(system, job): (&str, &str)| (Arc::from(system), Arc::from(job));
    state.restore(keys.into_iter().map(|names| (key(names), (3, letters.clone()))).collect());
    // Without letters: of no consequence.
    state.mailboxes.insert(key(("quiet", "double")), Arc::default());
    state
}

fn bytes() -> Vec<u8> {
    let mut bytes = Vec::new();
    full().write(&mut bytes);
    bytes
}

/// Every kind of answer survives, in its mailbox, and the estimate of the size is no less than the truth.
#[test]
fn letters_survive() {
    let (written, state) = (bytes(), full());
    assert!(!state.is_quiet() && state.size() >= written.len(), "{} < {}", state.size(), written.len());
    let read = read_letters(&jobs(), &written).expect("they are its own");
    assert_eq!(read.len(), 3);
    for (key, (_, letters)) in &read {
        assert_eq!(*letters, **state.mailboxes[key].letters.lock());
    }
    let mut again = State::default();
    again.restore(read);
    let mut second = Vec::new();
    again.write(&mut second);
    assert_eq!(second, written);
    assert!(State::default().is_quiet());
}

/// Cut anywhere, or with a byte more, they are refused; so are answers of another version of the job.
#[test]
fn other_bytes_are_refused() {
    let written = bytes();
    for cut in 0..written.len() {
        assert!(read_letters(&jobs(), &written[..cut]).is_err(), "cut at {cut}");
    }
    assert!(read_letters(&jobs(), &[&written[..], &[0]].concat()).is_err());
    let mut jobs = jobs();
    jobs[0].version = 4;
    let error = read_letters(&jobs, &written).expect_err("another version").to_string();
    assert!(
        error.contains("answers of double version 3 wait for ask, and version 4 is registered"),
        "{error}"
    );
}

proptest! {
    /// No bytes make the reader panic, and what it takes it would write again as it was.
    #[test]
    fn any_bytes(noise in proptest::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
        let _refused = read_letters(&jobs(), &noise);
        let mut damaged = bytes();
        let at = at.index(damaged.len());
        let count = noise.len().min(damaged.len() - at).min(4);
        damaged[at..at + count].copy_from_slice(&noise[..count]);
        if let Ok(read) = read_letters(&jobs(), &damaged) {
            let mut state = State::default();
            state.restore(read);
            let mut again = Vec::new();
            state.write(&mut again);
            prop_assert_eq!(again, damaged);
        }
    }
}
