//! One call of a command: its arguments, and the host.
//!
//! Invariant: a command reaches the session's world only through this, and the host checks every operation. Left
//! out: evaluating the arguments (`machine`).

use super::command::Command;
use super::failure;
use super::host::{Host, Published};
use super::value::Value;
use diptych_components::event::Channel;
use diptych_components::slp::{Kind, Object};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// One call of a command.
///
/// Arguments are asked for by place, from 0; those of the kinds that say what they are (`Key`, `Topic`, ..) have
/// been checked.
pub struct Call<'a> {
    pub(super) host: &'a mut dyn Host,
    pub(super) command: &'a Command,
    pub(super) arguments: &'a [Value],
    /// Something was not published: the call is made again.
    pub(super) waiting: bool,
    /// It has done something that must not be done again.
    pub(super) acted: bool,
}

impl<'a> Call<'a> {
    /// How many arguments there are: at least those that are needed, at most those that are declared.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arguments.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arguments.is_empty()
    }

    /// The argument at `index`.
    ///
    /// # Errors
    /// Where there is none.
    pub fn value(&self, index: usize) -> Result<&'a Value, Object> {
        self.arguments.get(index).ok_or_else(|| self.error(&format!("there is no argument {index}")))
    }

    /// The text of the argument at `index`.
    ///
    /// # Errors
    /// Where there is none.
    pub fn text(&self, index: usize) -> Result<Cow<'a, [u8]>, Object> {
        self.value(index).map(Value::text)
    }

    /// The integer that the argument at `index` is or reads as.
    ///
    /// # Errors
    /// Where it is none.
    pub fn integer(&self, index: usize) -> Result<i64, Object> {
        let value = self.value(index)?;
        value.as_integer().ok_or_else(|| self.refused(index, "an integer", value))
    }

    /// The number that the argument at `index` is or reads as.
    ///
    /// # Errors
    /// Where it is none.
    pub fn real(&self, index: usize) -> Result<f64, Object> {
        let value = self.value(index)?;
        value.as_real().ok_or_else(|| self.refused(index, "a number", value))
    }

    /// The name of the symbol at `index`, or the contents of the string.
    ///
    /// # Errors
    /// Where it is neither.
    pub fn symbol(&self, index: usize) -> Result<&'a [u8], Object> {
        let value = self.value(index)?;
        let view = value.source().view();
        let name = if value.is_text() { None } else { view.symbol().or_else(|| view.string()) };
        name.ok_or_else(|| self.refused(index, "a symbol or a string", value))
    }

    /// The key at `index`.
    ///
    /// # Errors
    /// Where it is none.
    pub fn key(&self, index: usize) -> Result<&'a [u8], Object> {
        self.symbol(index)
    }

    /// The channel at `index`.
    ///
    /// # Errors
    /// Where it is none.
    pub fn channel(&self, index: usize) -> Result<Channel, Object> {
        let value = self.value(index)?;
        Channel::from_symbol(&value.text()).ok_or_else(|| self.refused(index, CHANNEL, value))
    }

    /// The topic at `index`.
    ///
    /// # Errors
    /// Where it is none.
    pub fn topic(&self, index: usize) -> Result<u16, Object> {
        let topic = self.integer(index)?;
        u16::try_from(topic).map_err(|_| failure::no_topic(self.command, index as u32, topic))
    }

    /// The `{..}` at `index`.
    ///
    /// # Errors
    /// Where it is none.
    pub fn body(&self, index: usize) -> Result<Object, Object> {
        let value = self.value(index)?;
        if value.kind() == Kind::Brace {
            return Ok(value.to_stored());
        }
        Err(self.refused(index, BODY, value))
    }

    /// An ERROR of this command.
    #[cold]
    #[must_use]
    pub fn error(&self, message: &str) -> Object {
        Object::error(&format!("{}: {message}", self.command.name()))
    }

    #[cold]
    fn refused(&self, index: usize, expected: &str, given: &Value) -> Object {
        failure::argument(self.command, index as u32, expected, given.source().view())
    }

    /// What is stored under `key`.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Object>, Object> {
        self.host.get(key)
    }

    /// The integer that is stored under `key`, as such or as text; nothing where nothing is stored.
    ///
    /// # Errors
    /// The host's ERROR, or one that says that it is no integer.
    pub fn get_integer(&mut self, key: &[u8]) -> Result<Option<i64>, Object> {
        let Some(stored) = self.host.get(key)? else { return Ok(None) };
        let integer = Value::from(stored).as_integer();
        integer.map(Some).ok_or_else(|| self.error(&format!("{} is no integer", failure::shortened(key))))
    }

    /// Stores.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn set(&mut self, key: &[u8], value: impl Into<Value>) -> Result<(), Object> {
        self.act(|host| host.set(key, value.into().to_stored()))
    }

    /// Stores an integer.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn set_integer(&mut self, key: &[u8], value: i64) -> Result<(), Object> {
        self.act(|host| host.set(key, Object::integer(value)))
    }

    /// Removes; whether there was something.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, Object> {
        self.act(|host| host.delete(key))
    }

    /// Whether something is stored under `key`.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn exists(&mut self, key: &[u8]) -> Result<bool, Object> {
        self.host.exists(key)
    }

    /// Stores where nothing is stored; whether it did.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn set_if_absent(&mut self, key: &[u8], value: impl Into<Value>) -> Result<bool, Object> {
        self.act(|host| host.set_if_absent(key, value.into().to_stored()))
    }

    /// Stores where what is stored has this text; whether it did.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn compare_and_swap(
        &mut self,
        key: &[u8],
        expected: &[u8],
        value: impl Into<Value>,
    ) -> Result<bool, Object> {
        self.act(|host| host.compare_and_swap(key, expected, value.into().to_stored()))
    }

    /// The keys with this prefix: see [`Host::keys`].
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn keys(&mut self, prefix: &[u8], offset: u64, limit: u64) -> Result<Vec<Arc<[u8]>>, Object> {
        self.host.keys(prefix, offset, limit)
    }

    /// Publishes. Where there is no room and the call has done nothing yet, the script is suspended and the call is
    /// made again later: return, with the `Err` that is given; whatever else it tries does nothing and fails too. A call
    /// that has written, published or logged before is never made again: its event waits in line, and the session's
    /// next command of a plugin waits for that.
    ///
    /// # Errors
    /// The host's ERROR, or one to be handed on as described.
    pub fn publish(&mut self, channel: Channel, topic: u16, data: impl Into<Value>) -> Result<(), Object> {
        if self.waiting {
            return Err(Object::none());
        }
        match self.host.publish(channel, topic, data.into().to_stored(), !self.acted)? {
            Published::Taken => {
                self.acted = true;
                Ok(())
            }
            Published::Full => {
                self.waiting = true;
                Err(Object::none())
            }
        }
    }

    /// Has `body` run for each event.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn subscribe(&mut self, channel: Channel, topic: u16, body: Object) -> Result<(), Object> {
        self.act(|host| host.subscribe(channel, topic, body.compact()))
    }

    /// Whether the session may hear a topic; for a command that shows what the topic is about.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn check_subscribe(&mut self, channel: Channel, topic: u16) -> Result<(), Object> {
        self.host.check_await(channel, topic)
    }

    /// Whether the session may publish on a topic; for a command that looks at other things before it does.
    ///
    /// # Errors
    /// The host's ERROR.
    pub fn check_publish(&mut self, channel: Channel, topic: u16) -> Result<(), Object> {
        self.host.check_publish(channel, topic)
    }

    /// Writes to the log of the session.
    pub fn log(&mut self, line: &[u8]) {
        let _ = self.act(|host| {
            host.log(line);
            Ok(())
        });
    }

    /// Does what must not be done again. A call that is to be made again does nothing any more.
    fn act<T>(&mut self, act: impl FnOnce(&mut dyn Host) -> Result<T, Object>) -> Result<T, Object> {
        if self.waiting {
            return Err(Object::none());
        }
        let done = act(self.host);
        self.acted |= done.is_ok();
        done
    }
}

/// What a channel must be.
pub(super) const CHANNEL: &str = "a channel ($CHANNEL_A to $CHANNEL_F, or $CHANNEL_EXECUTION)";
/// What a body must be.
pub(super) const BODY: &str = "a body {..}";

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.command.name();
        f.debug_struct("Call").field("command", &name).field("arguments", &self.arguments).finish()
    }
}
