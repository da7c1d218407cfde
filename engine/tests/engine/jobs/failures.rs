//! Whatever a job does wrong is a value for who asked, and the engine goes on.

use super::{Double, Seen, step_until};
use diptych_engine::job::{ANSWER_BYTES_MAX, JOB_ERROR_BYTES_MAX};
use diptych_engine::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Asks once for every number the test has put there.
#[derive(Clone, Default, bevy_ecs::prelude::Resource)]
pub(crate) struct Numbers(pub(crate) Arc<Mutex<Vec<u64>>>);

fn asker(mut jobs: Jobs<Double>, seen: Res<Seen>, numbers: Res<Numbers>, clock: Clock) {
    jobs.answers().for_each(|answered| seen.note(clock.frame(), answered));
    for number in numbers.0.lock().unwrap().drain(..) {
        jobs.start(&number).unwrap();
    }
}

pub(crate) fn asking(numbers: &[u64]) -> (EngineBuilder, Seen, Numbers) {
    let (seen, numbers) = (Seen::default(), Numbers(Arc::new(Mutex::new(numbers.to_vec()))));
    let builder = Engine::in_memory().resource(seen.clone()).resource(numbers.clone());
    (builder.system("asker", asker), seen, numbers)
}

pub(crate) fn answers(engine: &mut Engine, seen: &Seen, count: u64) -> Vec<Result<u64, JobError>> {
    step_until(engine, |engine| engine.stats().jobs_answered == count);
    engine.step().unwrap();
    let mut seen = seen.take();
    seen.sort_by_key(|answer| answer.2);
    seen.into_iter().map(|answer| answer.3).collect()
}

/// A job that fails, and one that panics, are answered with what they said, cut where it is too long.
#[test]
fn errors_and_panics_are_answers() {
    let (builder, seen, _) = asking(&[0, 1, 2, 3]);
    let mut engine = builder
        .job::<Double>("double", 1, |n| match n {
            1 => Err("no such town".to_owned()),
            2 => panic!("a town of {n}"),
            3 => Err("\u{e9}".repeat(JOB_ERROR_BYTES_MAX)),
            n => Ok(*n),
        })
        .build()
        .unwrap();
    let answers = answers(&mut engine, &seen, 4);
    assert_eq!(answers[0], Ok(0));
    assert_eq!(answers[1], Err(JobError::Failed("no such town".to_owned())));
    assert_eq!(answers[2], Err(JobError::Panicked("a town of 2".to_owned())));
    assert_eq!(answers[3], Err(JobError::Failed("\u{e9}".repeat(JOB_ERROR_BYTES_MAX / 2))));
    let stats = engine.stats();
    assert_eq!((stats.jobs_failed, stats.jobs_panicked), (3, 1));
}

/// A future that panics while it is polled is an error as well.
#[test]
fn futures_fail_as_values() {
    let (builder, seen, _) = asking(&[0, 1]);
    let mut engine = builder
        .job_future::<Double, _>("double", 1, |n: u64| async move {
            match n {
                1 => panic!("polled"),
                n => Ok(n),
            }
        })
        .build()
        .unwrap();
    let answers = answers(&mut engine, &seen, 2);
    assert_eq!(answers, [Ok(0), Err(JobError::Panicked("polled".to_owned()))]);
}

/// A future that nobody wakes is given up after its timeout, and dropped.
#[test]
fn futures_end_at_their_timeout() {
    let (builder, seen, _) = asking(&[1, 2]);
    let held = Arc::new(());
    let hold = held.clone();
    let after = Duration::from_millis(50);
    let mut engine = builder
        .job_future::<Double, _>("double", 1, move |n| {
            let hold = hold.clone();
            async move {
                core::future::pending::<()>().await;
                drop(hold);
                Ok(n)
            }
        })
        .job_timeout::<Double>(after)
        .build()
        .unwrap();
    let answers = answers(&mut engine, &seen, 2);
    assert_eq!(answers, [Err(JobError::TimedOut { after }), Err(JobError::TimedOut { after })]);
    assert_eq!((engine.stats().jobs_timed_out, Arc::strong_count(&held)), (2, 2));
}

/// A commit that waits for a latency waits no longer than the timeout.
#[test]
fn a_latency_ends_at_the_timeout() {
    let (builder, seen, _) = asking(&[1]);
    let mut engine = builder
        .job_future::<Double, _>("double", 1, |_| core::future::pending())
        .job_timeout::<Double>(Duration::from_millis(100))
        .job_latency(1)
        .build()
        .unwrap();
    let start = Instant::now();
    engine.run(Pace::frames(3)).unwrap();
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(seen.take()[0].3, Err(JobError::TimedOut { after: Duration::from_millis(100) }));
}

struct Text;

impl Job for Text {
    type Request = String;
    type Answer = String;
}

/// Text without `#`, which stands for what cannot be read.
struct Utf8;

impl Codec<String> for Utf8 {
    fn encode(value: &String, out: &mut Vec<u8>) {
        out.extend_from_slice(value.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<String, CodecError> {
        let text = String::from_utf8(bytes.to_vec()).map_err(CodecError::new)?;
        if text.contains('#') { Err(CodecError::new("a #")) } else { Ok(text) }
    }
}

#[derive(Clone, Default, bevy_ecs::prelude::Resource)]
struct Texts(Arc<Mutex<Vec<TextAnswer>>>);

/// What was asked, and what came.
type TextAnswer = (String, Result<String, JobError>);

/// An answer that is too large, or that cannot be read back, is an error; the engine never holds it.
#[test]
fn answers_are_checked() {
    fn ask(mut jobs: Jobs<Text>, texts: Res<Texts>, clock: Clock) {
        let mut texts = texts.0.lock().unwrap();
        texts.extend(jobs.answers().map(|answered| (answered.request, answered.answer)));
        if clock.frame() == 1 {
            for text in ["fits", "large", "#"] {
                jobs.start(&text.replace('#', "hash")).unwrap();
            }
        }
    }
    let texts = Texts::default();
    let mut engine = Engine::in_memory()
        .job_with::<Text, Utf8, Utf8>("text", 1, |text: &String| match text.as_str() {
            "fits" => Ok("a".repeat(ANSWER_BYTES_MAX)),
            "large" => Ok("a".repeat(ANSWER_BYTES_MAX + 1)),
            _ => Ok("#".to_owned()),
        })
        .system("ask", ask)
        .resource(texts.clone())
        .build()
        .unwrap();
    step_until(&mut engine, |_| texts.0.lock().unwrap().len() == 3);
    for (request, answer) in texts.0.lock().unwrap().iter() {
        match request.as_str() {
            "fits" => assert_eq!(answer.as_ref().map(String::len), Ok(ANSWER_BYTES_MAX)),
            "large" => {
                let (bytes, max) = (ANSWER_BYTES_MAX as u64 + 1, ANSWER_BYTES_MAX as u64);
                assert_eq!(answer, &Err(JobError::TooLarge { bytes, max }));
            }
            _ => assert_eq!(answer, &Err(JobError::Failed("its answer cannot be read back: a #".to_owned()))),
        }
    }
    assert_eq!(engine.stats().jobs_too_large, 1);
}
