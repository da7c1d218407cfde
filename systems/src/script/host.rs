//! What a script can reach outside itself, as one trait.
//!
//! Invariant: every effect of a script goes through its host, which is the only place where rights and limits are
//! looked at. Left out: what a host does.

use diptych_components::event::Channel;
use diptych_components::slp::Object;
use std::sync::Arc;

/// One session, in one lane, in one frame.
///
/// Every `Err` is an ERROR object, which becomes the value of the command: a denied permission, a limit.
/// Values that come in are in buffers of their own ([`Object::compact`]).
pub trait Host {
    /// What is stored under `key`, and nothing where there is nothing.
    ///
    /// # Errors
    /// Without the permission to read.
    fn get(&mut self, key: &[u8]) -> Result<Option<Object>, Object>;

    /// Stores.
    ///
    /// # Errors
    /// Without the permission to write, or beyond a limit.
    fn set(&mut self, key: &[u8], value: Object) -> Result<(), Object>;

    /// Removes; whether there was something.
    ///
    /// # Errors
    /// Without the permission to write.
    fn delete(&mut self, key: &[u8]) -> Result<bool, Object>;

    /// Whether something is stored under `key`.
    ///
    /// # Errors
    /// Without the permission to read.
    fn exists(&mut self, key: &[u8]) -> Result<bool, Object>;

    /// Stores where nothing is stored; whether it did.
    ///
    /// # Errors
    /// Without the permissions this needs, or beyond a limit.
    fn set_if_absent(&mut self, key: &[u8], value: Object) -> Result<bool, Object>;

    /// Stores where what is stored has the text `expected`; whether it did.
    ///
    /// # Errors
    /// Without the permissions this needs, or beyond a limit.
    fn compare_and_swap(&mut self, key: &[u8], expected: &[u8], value: Object) -> Result<bool, Object>;

    /// The keys that begin with `prefix`, ascending by bytes, without the first `offset`, at most `limit`.
    ///
    /// # Errors
    /// Without the permission to read.
    fn keys(&mut self, prefix: &[u8], offset: u64, limit: u64) -> Result<Vec<Arc<[u8]>>, Object>;

    /// Publishes. Who cannot wait gets a place in line where there is no room: it has done something already that
    /// must not be done again.
    ///
    /// # Errors
    /// Without the permission to publish, or beyond the rate limit.
    fn publish(
        &mut self,
        channel: Channel,
        topic: u16,
        data: Object,
        can_wait: bool,
    ) -> Result<Published, Object>;

    /// Has `body`, a `{..}`, run for each event from the next frame on.
    ///
    /// # Errors
    /// Without the permission to subscribe, or beyond a limit.
    fn subscribe(&mut self, channel: Channel, topic: u16, body: Object) -> Result<(), Object>;

    /// Whether the session may wait for an event of this topic.
    ///
    /// # Errors
    /// Without the permission to subscribe.
    fn check_await(&mut self, channel: Channel, topic: u16) -> Result<(), Object>;

    /// Whether the session may publish on this topic, before it does.
    ///
    /// # Errors
    /// Without the permission to publish.
    fn check_publish(&mut self, channel: Channel, topic: u16) -> Result<(), Object>;

    /// Writes to the log of the session.
    fn log(&mut self, line: &[u8]);

    /// Whether the frame has room for what one more command may write; where it has none, the script waits for the
    /// next.
    fn has_room(&self) -> bool {
        true
    }

    /// Whether events of the session have no place yet, so that a command that may publish waits.
    fn is_behind(&self) -> bool {
        false
    }

    /// Steps that were used up since the last time beside those of commands: by the bytes that were written and the
    /// keys that were passed over.
    fn take_spent(&mut self) -> u64 {
        0
    }

    /// Whether the session may run a command that declares this need.
    ///
    /// # Errors
    /// Without that permission.
    fn permit(&mut self, needed: Permission) -> Result<(), Object>;
}

/// What became of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    /// It will be delivered.
    Taken,
    /// There is no room: the script is suspended and publishes it again when it goes on. Never for who cannot wait.
    Full,
}

/// What a command does to the session's scope.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Permission {
    /// Nothing.
    None,
    /// It reads.
    Read,
    /// It writes; reading is looked at when it reads.
    Write,
    /// It reads and writes.
    ReadWrite,
}
