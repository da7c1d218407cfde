//! A session that is a map.
//!
//! Invariant: it notes every call, and does the same for the same calls. Left out: frames.

use crate::script::{Host, Permission, Published};
use diptych_components::event::Channel;
use diptych_components::slp::Object;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Entries, and all that was asked.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) entries: BTreeMap<Vec<u8>, Object>,
    /// What was done, in order.
    pub(super) calls: Vec<String>,
    pub(super) log: Vec<String>,
    /// Every how many publishes one finds no room; 0 is never.
    pub(super) full_every: u64,
    pub(super) publishes: u64,
    /// Every other command finds no room at first.
    pub(super) crowded: bool,
    /// Whether the last one found none.
    pub(super) stopped: Cell<bool>,
    /// Everything is denied.
    pub(super) denies: bool,
}

impl Memory {
    fn note(&mut self, call: String) -> Result<(), Object> {
        self.calls.push(call);
        if self.denies { Err(Object::error("PERMISSION_DENIED")) } else { Ok(()) }
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Host for Memory {
    fn get(&mut self, key: &[u8]) -> Result<Option<Object>, Object> {
        self.note(format!("get {}", shown(key)))?;
        Ok(self.entries.get(key).cloned())
    }

    fn set(&mut self, key: &[u8], value: Object) -> Result<(), Object> {
        self.note(format!("set {} {value}", shown(key)))?;
        assert_eq!(
            value.to_bytes().len(),
            value.compact().to_bytes().len(),
            "values come in their own buffers"
        );
        self.entries.insert(key.to_vec(), value);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, Object> {
        self.note(format!("del {}", shown(key)))?;
        Ok(self.entries.remove(key).is_some())
    }

    fn exists(&mut self, key: &[u8]) -> Result<bool, Object> {
        self.note(format!("exists {}", shown(key)))?;
        Ok(self.entries.contains_key(key))
    }

    fn set_if_absent(&mut self, key: &[u8], value: Object) -> Result<bool, Object> {
        self.note(format!("snx {} {value}", shown(key)))?;
        let absent = !self.entries.contains_key(key);
        if absent {
            self.entries.insert(key.to_vec(), value);
        }
        Ok(absent)
    }

    fn compare_and_swap(&mut self, key: &[u8], expected: &[u8], value: Object) -> Result<bool, Object> {
        self.note(format!("cas {} {} {value}", shown(key), shown(expected)))?;
        let same = self.entries.get(key).is_some_and(|stored| *stored.text() == *expected);
        if same {
            self.entries.insert(key.to_vec(), value);
        }
        Ok(same)
    }

    fn keys(&mut self, prefix: &[u8], offset: u64, limit: u64) -> Result<Vec<Arc<[u8]>>, Object> {
        self.note(format!("keys {} {offset} {limit}", shown(prefix)))?;
        let limit = if limit == 0 { usize::MAX } else { limit as usize };
        let found = self.entries.keys().filter(|key| key.starts_with(prefix));
        Ok(found.skip(offset as usize).take(limit).map(|key| Arc::from(&key[..])).collect())
    }

    fn publish(
        &mut self,
        channel: Channel,
        topic: u16,
        data: Object,
        can_wait: bool,
    ) -> Result<Published, Object> {
        self.note(format!("pub {channel} {topic} {data}"))?;
        self.publishes += 1;
        let full = can_wait && self.full_every > 0 && self.publishes.is_multiple_of(self.full_every);
        Ok(if full { Published::Full } else { Published::Taken })
    }

    fn subscribe(&mut self, channel: Channel, topic: u16, body: Object) -> Result<(), Object> {
        self.note(format!("sub {channel} {topic} {body}"))
    }

    fn check_await(&mut self, channel: Channel, topic: u16) -> Result<(), Object> {
        self.note(format!("await {channel} {topic}"))
    }

    fn check_publish(&mut self, _: Channel, _: u16) -> Result<(), Object> {
        Ok(())
    }

    fn has_room(&self) -> bool {
        !self.crowded || self.stopped.replace(!self.stopped.get())
    }

    fn log(&mut self, line: &[u8]) {
        self.log.push(shown(line));
        self.calls.push(format!("log {}", shown(line)));
    }

    fn permit(&mut self, needed: Permission) -> Result<(), Object> {
        self.note(format!("permit {needed:?}"))
    }
}
