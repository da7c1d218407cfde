//! A session as its holder sees it.

use super::client::{Client, RequestError, Ticket};
use diptych_components::event::{Channel, ToObject};
use diptych_components::slp::{self, Object};
use diptych_systems::lane::{Ask, Operation};
use std::sync::Arc;

/// A principal at work in one scope, from any thread; cheap to clone. Requests of one session are done in order.
///
/// It ends by [`Session::close`] or when its time is over, not when this handle is dropped.
#[derive(Debug, Clone)]
pub struct Session {
    client: Client,
    id: Arc<str>,
    opened: Ticket,
}

impl Session {
    pub(super) fn new(client: Client, id: Arc<str>, opened: Ticket) -> Self {
        Self { client, id, opened }
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The answer to its opening: an ERROR where the principal does not exist, or the session is another's.
    pub fn opened(&self) -> &Ticket {
        &self.opened
    }

    /// Runs all forms of a script; the answer is that of the last.
    ///
    /// # Errors
    /// When the text cannot be read, with line and column, and as [`Client::ask`].
    pub fn run(&self, script: &str) -> Result<Ticket, RequestError> {
        let forms = slp::parse(script, &self.client.settings().scripts.parse)?;
        self.run_object(forms.into_object())
    }

    /// Runs a script that was read before: the list of its forms.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn run_object(&self, forms: Object) -> Result<Ticket, RequestError> {
        self.client.ask(Ask::Run(self.id.clone(), forms))
    }

    /// Does one operation.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn operate(&self, operation: Operation) -> Result<Ticket, RequestError> {
        self.client.ask(Ask::Do(self.id.clone(), operation))
    }

    /// Sets an entry.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn set(&self, key: impl AsRef<[u8]>, value: impl ToObject) -> Result<Ticket, RequestError> {
        self.operate(Operation::Set(key.as_ref().into(), value.to_object()))
    }

    /// The text of an entry.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Ticket, RequestError> {
        self.operate(Operation::Get(key.as_ref().into()))
    }

    /// Deletes an entry.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<Ticket, RequestError> {
        self.operate(Operation::Delete(key.as_ref().into()))
    }

    /// Sets an entry that does not exist; the answer says whether it did.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn set_if_absent(&self, key: impl AsRef<[u8]>, value: impl ToObject) -> Result<Ticket, RequestError> {
        self.operate(Operation::SetIfAbsent(key.as_ref().into(), value.to_object()))
    }

    /// Sets an entry whose text is the expected one; the answer says whether it did.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn cas(
        &self,
        key: impl AsRef<[u8]>,
        expected: impl AsRef<[u8]>,
        value: impl ToObject,
    ) -> Result<Ticket, RequestError> {
        let (key, expected) = (key.as_ref().into(), expected.as_ref().into());
        self.operate(Operation::CompareAndSwap(key, expected, value.to_object()))
    }

    /// Publishes an event.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn publish(&self, channel: Channel, topic: u16, data: impl ToObject) -> Result<Ticket, RequestError> {
        self.operate(Operation::Publish(channel, topic, data.to_object()))
    }

    /// Registers a handler: forms that run with `$data` for each event of a topic.
    ///
    /// # Errors
    /// When the text cannot be read, and as [`Client::ask`].
    pub fn subscribe(&self, channel: Channel, topic: u16, forms: &str) -> Result<Ticket, RequestError> {
        let forms = slp::parse(forms, &self.client.settings().scripts.parse)?.into_object();
        let children: Vec<Object> = (0..forms.view().len()).filter_map(|index| forms.child(index)).collect();
        let body = Object::list(slp::Kind::Brace, &children);
        self.operate(Operation::Subscribe(channel, topic, body))
    }

    /// Ends this session's handlers of a topic.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn unsubscribe(&self, channel: Channel, topic: u16) -> Result<Ticket, RequestError> {
        self.operate(Operation::Unsubscribe(channel, topic))
    }

    /// Ends it, with its handlers and suspended scripts.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn close(&self) -> Result<Ticket, RequestError> {
        self.client.ask(Ask::Close(self.id.clone()))
    }
}
