//! What is refused: too many, too large, unknown; as a value while it runs, as an error at the build.

use super::{Double, Seen};
use diptych_engine::job::{JOBS_OPEN_MAX, REQUEST_BYTES_MAX};
use diptych_engine::prelude::*;
use std::time::Duration;

fn refusals(builder: EngineBuilder) -> String {
    builder.build().expect_err("it is refused").to_string()
}

/// The limit counts what is open in the world and what the frame has started, and opens again with answers.
#[test]
fn too_many_open_requests() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Refusals(u64);

    fn ask(mut jobs: Jobs<Double>, mut refusals: Query<Next<Refusals>>) {
        let mut refused = 0;
        for n in 0..3 {
            match jobs.start(&n) {
                Ok(_) => {}
                Err(JobRefused::Full { open: 4, max: 4 }) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(jobs.open(), 4.min(jobs.open()));
        (&mut refusals).into_iter().for_each(|mut refusals| refusals.set(Refusals(refused)));
    }
    let mut engine = Engine::in_memory()
        .state::<Refusals>("refusals", 1)
        .job::<Double>("double", 1, |n| Ok(*n))
        .jobs_open_max::<Double>(4)
        .job_latency(2)
        .system("ask", ask)
        .setup("one", |structure| {
            structure.spawn((Refusals(0),));
        })
        .build()
        .unwrap();
    let refused: Vec<u64> = (0..6)
        .map(|_| {
            engine.step().unwrap();
            engine.view().single::<Refusals>().unwrap().0
        })
        .collect();
    // Frame 1 starts 3, 2 starts 1; those of frame 1 are taken at the end of 3, that of 2 at the end of 4.
    assert_eq!(refused, [0, 2, 3, 0, 2, 3]);
}

/// A request that is too large is refused at its start.
#[test]
fn too_large_a_request() {
    struct Bytes;
    impl Job for Bytes {
        type Request = Vec<u8>;
        type Answer = u64;
    }
    struct AsIs;
    impl Codec<Vec<u8>> for AsIs {
        fn encode(value: &Vec<u8>, out: &mut Vec<u8>) {
            out.extend_from_slice(value);
        }
        fn decode(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
            Ok(bytes.to_vec())
        }
    }
    impl Codec<u64> for AsIs {
        fn encode(value: &u64, out: &mut Vec<u8>) {
            out.extend_from_slice(&value.to_le_bytes());
        }
        fn decode(bytes: &[u8]) -> Result<u64, CodecError> {
            bytes.try_into().map(u64::from_le_bytes).map_err(CodecError::new)
        }
    }
    fn ask(mut jobs: Jobs<Bytes>, clock: Clock) {
        for answered in jobs.answers() {
            assert_eq!(answered.answer, Ok(answered.request.len() as u64));
        }
        if clock.frame() == 1 {
            let max = REQUEST_BYTES_MAX as u64;
            assert_eq!(
                jobs.start(&vec![0; REQUEST_BYTES_MAX + 1]),
                Err(JobRefused::TooLarge { bytes: max + 1, max })
            );
            assert!(jobs.start(&vec![0; REQUEST_BYTES_MAX]).is_ok());
        }
    }
    let mut engine = Engine::in_memory()
        .job_with::<Bytes, AsIs, AsIs>("bytes", 1, |bytes: &Vec<u8>| Ok(bytes.len() as u64))
        .job_latency(1)
        .system("ask", ask)
        .build()
        .unwrap();
    engine.run(Pace::frames(4)).unwrap();
    assert_eq!(engine.stats().jobs_answered, 1);
}

fn asker(_: Jobs<Double>) {}
fn twice(_: Jobs<Double>, _: Jobs<Double>) {}

/// Wrong use is refused at the build, by name.
#[test]
fn wrong_use_is_refused() {
    struct Other;
    impl Job for Other {
        type Request = u64;
        type Answer = u64;
    }
    let unknown = refusals(Engine::in_memory().system("asker", asker));
    assert!(unknown.contains("system asker names the job engine::jobs::Double"), "{unknown}");
    let unknown = refusals(Engine::in_memory().job_timeout::<Double>(Duration::from_secs(1)));
    assert!(unknown.contains(".job_timeout() names the job engine::jobs::Double"), "{unknown}");
    let with_job = || Engine::in_memory().job::<Double>("double", 1, |n| Ok(*n));
    let unknown = refusals(with_job().jobs_open_max::<Other>(3));
    assert!(unknown.contains(".jobs_open_max() names the job"), "{unknown}");
    for builder in [with_job().late("asker", asker), with_job().startup("asker", asker)] {
        let outside = refusals(builder);
        assert!(
            outside.contains("system asker names Jobs<engine::jobs::Double>; only systems of the wave"),
            "{outside}"
        );
    }
    let twice = refusals(with_job().system("twice", twice));
    assert!(twice.contains("system twice names Jobs<engine::jobs::Double> twice"), "{twice}");
    let name = refusals(with_job().job::<Other>("double", 1, |n| Ok(*n)));
    assert!(name.contains("a job or its name is registered twice"), "{name}");
    let job = refusals(with_job().job::<Double>("triple", 1, |n| Ok(*n)));
    assert!(job.contains("a job or its name is registered twice"), "{job}");
}

/// `explain` says who asks for what, and how much; derive systems may ask, too.
#[test]
fn jobs_explain_themselves() {
    fn other(_: Jobs<Double>) {}
    let engine = Engine::in_memory()
        .job::<Double>("weather.double", 3, |n| Ok(*n))
        .job_timeout::<Double>(Duration::from_secs(5))
        .system("asker", asker)
        .derive("other", other)
        .resource(Seen::default())
        .build()
        .unwrap();
    let explained = engine.explain().to_string();
    let line = format!(
        "job weather.double v3 (engine::jobs::Double): asked by asker, other, at most {JOBS_OPEN_MAX} open, 5s"
    );
    assert!(explained.contains(&line), "{explained}");
}
