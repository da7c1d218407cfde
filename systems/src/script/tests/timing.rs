//! How long a call takes, by hand: `cargo test --release -p diptych-systems script::tests::timing -- --ignored
//! --nocapture`.

use crate::script::{Bindings, Commands, Host, Limits, Machine, Outcome, ParseCache, Permission, Published};
use diptych_components::event::Channel;
use diptych_components::slp::{self, Object};
use std::sync::Arc;
use std::time::Instant;

/// One entry, so that the map costs nothing.
struct One(Object);

impl Host for One {
    fn get(&mut self, _: &[u8]) -> Result<Option<Object>, Object> {
        Ok(Some(self.0.clone()))
    }
    fn set(&mut self, _: &[u8], value: Object) -> Result<(), Object> {
        self.0 = value;
        Ok(())
    }
    fn delete(&mut self, _: &[u8]) -> Result<bool, Object> {
        Ok(true)
    }
    fn exists(&mut self, _: &[u8]) -> Result<bool, Object> {
        Ok(true)
    }
    fn set_if_absent(&mut self, _: &[u8], _: Object) -> Result<bool, Object> {
        Ok(true)
    }
    fn compare_and_swap(&mut self, _: &[u8], _: &[u8], _: Object) -> Result<bool, Object> {
        Ok(true)
    }
    fn keys(&mut self, _: &[u8], _: u64, _: u64) -> Result<Vec<Arc<[u8]>>, Object> {
        Ok(vec![Arc::from(&b"k"[..]); 1000])
    }
    fn publish(&mut self, _: Channel, _: u16, _: Object, _: bool) -> Result<Published, Object> {
        Ok(Published::Taken)
    }
    fn subscribe(&mut self, _: Channel, _: u16, _: Object) -> Result<(), Object> {
        Ok(())
    }
    fn check_await(&mut self, _: Channel, _: u16) -> Result<(), Object> {
        Ok(())
    }
    fn check_publish(&mut self, _: Channel, _: u16) -> Result<(), Object> {
        Ok(())
    }
    fn log(&mut self, _: &[u8]) {}
    fn permit(&mut self, _: Permission) -> Result<(), Object> {
        Ok(())
    }
}

/// Of `count` calls in one script, and of as many scripts of one call each.
fn time(call: &str, count: u32) {
    let (commands, mut cache, mut host) = (Commands::new(), ParseCache::new(), One(Object::string("stored")));
    let limits = Limits { steps_a_frame: u64::MAX, steps_in_all: u64::MAX, ..Limits::default() };
    let mut machine = Machine::new();
    let mut best = [f64::MAX; 2];
    for _ in 0..25 {
        for (n, (calls, starts)) in [(count, 1), (1, count)].into_iter().enumerate() {
            let text = call.repeat(calls as usize);
            let forms =
                slp::parse(text.as_bytes(), &slp::Limits::default()).expect("it parses").into_object();
            let start = Instant::now();
            for _ in 0..starts {
                machine.start(&forms, Bindings::default());
                let outcome = machine.run(&mut host, &commands, &limits, &mut cache);
                assert!(matches!(outcome, Outcome::Done(_)));
            }
            best[n] = best[n].min(start.elapsed().as_secs_f64() * 1e9 / f64::from(count));
        }
    }
    println!("{call:<60} {:6.1} ns a call, {:6.1} ns a script", best[0], best[1]);
}

#[test]
#[ignore = "it measures"]
fn calls() {
    for call in [
        "1 ",
        "(core/kv/get k)",
        "(core/kv/set k 1)",
        "(core/kv/set k \"active\")",
        "(core/kv/set k (core/kv/get k))",
        "(core/kv/cas k \"5\" \"6\")",
        "(core/event/pub $CHANNEL_A 100 1)",
        "(core/expr/eval (core/kv/get k))",
    ] {
        time(call, 20_000);
    }
    time("(core/kv/iterate k 0 0 {(core/kv/del $key)})", 500);
}
