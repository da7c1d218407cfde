//! A work queue: many workers take jobs under locks, and every job is done once.
//!
//! `snx` gives a lock to one of all who want it. Who runs first is a matter of the order of requests, never of
//! threads, so the same worker wins in every run.

use diptych::prelude::*;
use diptych::runtime::Session;

const JOBS: usize = 50;
const WORKERS: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut engine = Engine::in_memory().plugin(Runtime::default()).build()?;
    let client = engine.client()?;
    client.principal(Principal::new("crew").scope("work", ScopeAccess::ReadWrite))?;
    let fill: String = (0..JOBS).map(|job| format!("(core/kv/set job:{job:03} {job}) ")).collect();
    client.session("crew", "work")?.run(&fill)?;
    engine.answer()?;
    engine.answer()?;

    let workers: Vec<Session> =
        (0..WORKERS).map(|_| client.session("crew", "work")).collect::<Result<_, _>>()?;
    let mut done = [0_usize; WORKERS];
    let mut wanted = Vec::new();
    // Everybody wants every job, in an order of their own.
    for job in 0..JOBS {
        for number in 0..WORKERS {
            let worker = (number + job) % WORKERS;
            let key = format!("job:{job:03}");
            let lock = workers[worker].run(&format!(
                "[(core/kv/snx lock:{key} \"worker {worker}\") (core/kv/cas {key} \"{job}\" \"taken by {worker}\")]"
            ))?;
            wanted.push((worker, lock));
        }
    }
    engine.answer()?;
    for (worker, ticket) in wanted {
        let answer = ticket.get().ok_or("it was answered")?;
        done[worker] += usize::from(answer.result.to_string() == "true");
    }
    println!("jobs done by each worker: {done:?}");
    assert_eq!(done.iter().sum::<usize>(), JOBS, "each job has one winner");
    let locks = client
        .look(|index| index.scope("work").map_or(0, |scope| scope.scan(b"lock:", None, 0, u64::MAX).len()));
    assert_eq!(locks, JOBS);
    Ok(())
}
