//! Any text that parses runs to an end or to a wait, in one go or with a stop at every step, and the same happens;
//! any bytes at all are a suspended script that runs, or are refused.
#![no_main]

use diptych_components::event::Channel;
use diptych_components::slp::{self, Object};
use diptych_systems::script::{
    Bindings, Commands, Host, Limits, Machine, Outcome, ParseCache, Permission, Published, Waiting,
};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Runs of one machine at most.
const RUNS_MAX: u32 = 3_000;

const LIMITS: Limits = Limits {
    steps_a_frame: u64::MAX,
    steps_in_all: 1_000,
    stack: 100,
    bytes: 10_000,
    parse: slp::Limits { depth: 64, bytes: 10_000 },
};

#[derive(Default)]
struct Memory {
    entries: BTreeMap<Vec<u8>, Object>,
    effects: u64,
}

impl Host for Memory {
    fn get(&mut self, key: &[u8]) -> Result<Option<Object>, Object> {
        Ok(self.entries.get(key).cloned())
    }
    fn set(&mut self, key: &[u8], value: Object) -> Result<(), Object> {
        if key.len() > 1_000 || value.heap_bytes() > 5_000 {
            return Err(Object::error("too large"));
        }
        self.entries.insert(key.to_vec(), value);
        Ok(())
    }
    fn delete(&mut self, key: &[u8]) -> Result<bool, Object> {
        Ok(self.entries.remove(key).is_some())
    }
    fn exists(&mut self, key: &[u8]) -> Result<bool, Object> {
        Ok(self.entries.contains_key(key))
    }
    fn set_if_absent(&mut self, key: &[u8], value: Object) -> Result<bool, Object> {
        let absent = !self.entries.contains_key(key);
        if absent {
            self.set(key, value)?;
        }
        Ok(absent)
    }
    fn compare_and_swap(&mut self, key: &[u8], expected: &[u8], value: Object) -> Result<bool, Object> {
        let same = self.entries.get(key).is_some_and(|stored| *stored.text() == *expected);
        if same {
            self.set(key, value)?;
        }
        Ok(same)
    }
    fn keys(&mut self, prefix: &[u8], offset: u64, limit: u64) -> Result<Vec<Arc<[u8]>>, Object> {
        let limit = if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
        let found = self.entries.keys().filter(|key| key.starts_with(prefix));
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(found.skip(offset).take(limit).map(|key| Arc::from(&key[..])).collect())
    }
    fn publish(&mut self, _: Channel, topic: u16, _: Object, can_wait: bool) -> Result<Published, Object> {
        self.effects += 1;
        match topic {
            0 => Err(Object::error("denied")),
            _ if can_wait && self.effects.is_multiple_of(3) => Ok(Published::Full),
            _ => Ok(Published::Taken),
        }
    }
    fn subscribe(&mut self, _: Channel, _: u16, _: Object) -> Result<(), Object> {
        self.effects += 1;
        Ok(())
    }
    fn check_await(&mut self, _: Channel, topic: u16) -> Result<(), Object> {
        if topic == 0 { Err(Object::error("denied")) } else { Ok(()) }
    }
    fn check_publish(&mut self, _: Channel, topic: u16) -> Result<(), Object> {
        if topic == 0 { Err(Object::error("denied")) } else { Ok(()) }
    }
    fn log(&mut self, _: &[u8]) {
        self.effects += 1;
    }
    fn permit(&mut self, _: Permission) -> Result<(), Object> {
        Ok(())
    }
}

/// Runs a machine to its end; saved and loaded at every stop where `steps` is not all of them.
fn finish(mut machine: Machine, commands: &Commands, steps: u64) -> (Option<Object>, Memory) {
    let (mut host, mut cache) = (Memory::default(), ParseCache::new());
    let limits = Limits { steps_a_frame: steps, ..LIMITS };
    for _ in 0..RUNS_MAX {
        let waiting = match machine.run(&mut host, commands, &limits, &mut cache) {
            Outcome::Done(value) => return (Some(value), host),
            Outcome::Suspended(waiting) => waiting,
        };
        if steps != u64::MAX {
            let mut saved = Vec::new();
            machine.save(&mut saved);
            machine = Machine::load(&saved).expect("what was saved loads");
        }
        if waiting == Waiting::Event {
            assert!(machine.resume(Object::string("b").into()));
        }
    }
    (None, host)
}

fuzz_target!(|bytes: &[u8]| {
    let commands = Commands::new();
    if let Ok(machine) = Machine::load(bytes) {
        finish(machine, &commands, u64::MAX);
    }
    let Ok(forms) = slp::parse(bytes, &LIMITS.parse) else { return };
    let start = || {
        let mut machine = Machine::new();
        machine.start(forms.as_object(), Bindings::default());
        machine
    };
    let (value, host) = finish(start(), &commands, u64::MAX);
    let (again, other) = finish(start(), &commands, 1);
    assert_eq!(value, again);
    assert_eq!((host.entries, host.effects), (other.entries, other.effects));
});
