//! Scripts against a host in memory.
//!
//! Invariant: every table row says what a script gives and what it did to its host. Left out: the host of a world.

mod attack;
mod conformance;
mod host;
mod registry;
mod seeds;
mod suspension;
mod timing;

use super::{Bindings, Commands, Limits, Machine, Outcome, ParseCache, Waiting};
use diptych_components::slp;
use host::Memory;

/// Runs the forms of a text to the end, with the steps it needs; what it waits for never comes.
fn run(host: &mut Memory, text: &str) -> Outcome {
    run_with(host, text, &Limits::default(), Bindings::default())
}

fn run_with(host: &mut Memory, text: &str, limits: &Limits, bindings: Bindings) -> Outcome {
    let forms = slp::parse(text.as_bytes(), &slp::Limits::default()).expect("a test's script parses");
    let mut machine = Machine::new();
    machine.start(forms.as_object(), bindings);
    let (commands, mut cache) = (Commands::new(), ParseCache::new());
    loop {
        let outcome = machine.run(host, &commands, limits, &mut cache);
        if outcome != Outcome::Suspended(Waiting::Budget) {
            return outcome;
        }
    }
}

/// The text of what a script gives.
fn result(host: &mut Memory, text: &str) -> String {
    match run(host, text) {
        Outcome::Done(object) => object.to_string(),
        Outcome::Suspended(waiting) => format!("waits: {waiting:?}"),
    }
}
