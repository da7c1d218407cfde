//! Changes of single values from outside, by stored names: what an editor, an inspector or a tool sends a world.
//!
//! Invariant: patches that were sent together are carried out together or not at all: all are tried before the first
//! one changes anything. They are an input like any other, so a world made again makes them again.
//! Left out: spawning, and what the engine itself writes (`diptych.` types); children go by attach and detach.

mod codec;
mod trial;

pub(crate) use codec::PatchCodec;

use crate::buffer::CodecError;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::ingress::Ticket;
use crate::input::{Applier, InputKind, Inputs};
use crate::sabotage::{self, Bug};
use crate::structure::Target;
use bytemuck::Pod;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The stored name and version of the input.
pub(crate) const PATCH_NAME: &str = "diptych.patch";
pub(crate) const PATCH_VERSION: u32 = 1;

/// One change. Types go by their stored names, values by their stored bytes.
///
/// With the feature `serde` it is serializable: the verb, and in it the `Id` as 16 hex digits and stored bytes as pairs of
/// hex digits, as in an export by lines of JSON. [`Patch::encode`] is the compact form.
///
/// ```json
/// [{"set":{"id":"0a1b200000000003","component":"scene.health","value":"6400000000000000"}},
///  {"add":{"id":"0a1b200000000003","component":"scene.word","value":null}},
///  {"remove":{"id":"0a1b200000000003","component":"scene.velocity"}},
///  {"destroy":{"id":"0a1b200000000004"}}]
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase", deny_unknown_fields)
)]
pub enum Patch {
    /// Sets a value that the entity holds.
    Set {
        /// The entity.
        id: Id,
        /// Stored name of the type.
        component: String,
        /// Stored bytes.
        #[cfg_attr(feature = "serde", serde(with = "crate::serial::bytes"))]
        value: Vec<u8>,
    },
    /// Gives the entity a type that it does not hold.
    Add {
        /// The entity.
        id: Id,
        /// Stored name of the type.
        component: String,
        /// Stored bytes; the type's blank value where there are none.
        #[cfg_attr(feature = "serde", serde(default, with = "crate::serial::some_bytes"))]
        value: Option<Vec<u8>>,
    },
    /// Takes a type from the entity.
    Remove {
        /// The entity.
        id: Id,
        /// Stored name of the type.
        component: String,
    },
    /// Ends the entity, and everybody below it.
    Destroy {
        /// The entity.
        id: Id,
    },
}

impl Patch {
    /// Sets a plain-old-data value.
    pub fn set<T: Pod>(id: Id, component: &str, value: &T) -> Self {
        Self::Set { id, component: component.to_owned(), value: bytemuck::bytes_of(value).to_vec() }
    }

    /// Sets a value that `C` encodes.
    pub fn set_with<T, C: crate::buffer::Codec<T>>(id: Id, component: &str, value: &T) -> Self {
        let mut bytes = Vec::new();
        C::encode(value, &mut bytes);
        Self::Set { id, component: component.to_owned(), value: bytes }
    }

    /// Adds a plain-old-data value.
    pub fn add<T: Pod>(id: Id, component: &str, value: &T) -> Self {
        Self::Add { id, component: component.to_owned(), value: Some(bytemuck::bytes_of(value).to_vec()) }
    }

    /// Takes a type away.
    pub fn remove(id: Id, component: &str) -> Self {
        Self::Remove { id, component: component.to_owned() }
    }

    /// Ends an entity.
    pub fn destroy(id: Id) -> Self {
        Self::Destroy { id }
    }

    /// The entity it is about.
    pub fn id(&self) -> Id {
        match self {
            Self::Set { id, .. } | Self::Add { id, .. } | Self::Remove { id, .. } | Self::Destroy { id } => {
                *id
            }
        }
    }

    /// The stored name of the type it is about.
    pub fn component(&self) -> Option<&str> {
        match self {
            Self::Set { component, .. } | Self::Add { component, .. } | Self::Remove { component, .. } => {
                Some(component)
            }
            Self::Destroy { .. } => None,
        }
    }

    /// The canonical bytes of several patches.
    pub fn encode(patches: &[Self]) -> Vec<u8> {
        let mut out = Vec::new();
        codec::put(patches, &mut out);
        out
    }

    /// Reads them back.
    ///
    /// # Errors
    /// The bytes are none; the message says which patch.
    pub fn decode(bytes: &[u8]) -> Result<Vec<Self>, CodecError> {
        codec::get(bytes)
    }

    fn verb(&self) -> &'static str {
        match self {
            Self::Set { .. } => "set",
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
            Self::Destroy { .. } => "destroy",
        }
    }
}

/// Patches on their way, as one input.
pub(crate) struct Patches {
    /// By which whoever sent them finds a refusal.
    pub(crate) number: u64,
    pub(crate) list: Vec<Patch>,
}

/// Where refusals lie for those who wait. Patches of an earlier process, made again, have nobody who does.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    next: AtomicU64,
    /// By number: one for each [`Patching`] that lives, with its refusal.
    waiting: Mutex<BTreeMap<u64, Option<String>>>,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Option<String>>> {
        // No foreign code runs under this lock, so its poison means nothing.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self, number: u64, reason: String) {
        if let Some(waiting) = self.lock().get_mut(&number) {
            *waiting = Some(reason);
        }
    }
}

/// The right to be told of a refusal; it ends with this.
#[derive(Debug)]
struct Seat {
    number: u64,
    desk: Arc<Desk>,
}

impl Seat {
    fn at(desk: &Arc<Desk>) -> Self {
        let number = desk.next.fetch_add(1, Ordering::Relaxed);
        desk.lock().insert(number, None);
        Self { number, desk: Arc::clone(desk) }
    }

    fn refusal(&self) -> Option<String> {
        self.desk.lock().get_mut(&self.number).and_then(Option::take)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.desk.lock().remove(&self.number);
    }
}

/// The input type of patches.
pub(crate) fn kind(desk: Arc<Desk>) -> InputKind {
    InputKind::fallible::<Patches, PatchCodec>(PATCH_NAME, PATCH_VERSION, move |applier, patches| {
        let Patches { number, list } = patches;
        applier.patch(&list).map_err(|reason| {
            desk.refuse(number, reason.clone());
            CodecError::new(reason)
        })
    })
}

impl Applier<'_, '_> {
    /// Carries out all of `patches`, or none; the refusal says which one and why.
    ///
    /// # Errors
    /// One of them cannot be carried out: an unknown type or entity, bytes that are no value, a reserved row.
    pub fn patch(&mut self, patches: &[Patch]) -> Result<(), String> {
        let tried = trial::check(self.editor, patches);
        if sabotage::is(Bug::HalfPatch) && tried.is_err() && trial::check(self.editor, &patches[..1]).is_ok()
        {
            drop(self.patch_one(&patches[0]));
        }
        tried?;
        for patch in patches {
            let done = self.patch_one(patch);
            if let Err(error) = done {
                self.failure.get_or_insert(error);
            }
        }
        Ok(())
    }

    fn patch_one(&mut self, patch: &Patch) -> Result<()> {
        let entity = self.editor.find(Target::Id(patch.id())).expect("the trial has found it");
        let Some(name) = patch.component() else { return self.editor.despawn(entity) };
        let column = self.editor.columns.iter().find(|column| column.name() == name);
        let column = column.expect("the trial has found it").clone();
        match patch {
            Patch::Set { value, .. } | Patch::Add { value: Some(value), .. } => {
                column.put(self.editor, entity, Some(value))
            }
            Patch::Add { value: None, .. } => column.put(self.editor, entity, None),
            Patch::Remove { .. } | Patch::Destroy { .. } => column.take_from(self.editor, entity),
        }
    }
}

impl Inputs {
    /// Sends patches, which a commit carries out all together or not at all.
    ///
    /// # Errors
    /// The engine was built without [`.patches()`](crate::EngineBuilder::patches), and as [`Inputs::send`].
    pub fn patch(&self, source: &str, patches: &[Patch]) -> Result<Patching> {
        let Some(desk) = self.desk() else {
            return Err(Error::Input("patches are not taken here; add .patches() to the engine".to_owned()));
        };
        let seat = Seat::at(desk);
        let ticket = self.send(source, &Patches { number: seat.number, list: patches.to_vec() })?;
        Ok(Patching { ticket, seat })
    }
}

/// Patches that were sent.
#[derive(Debug)]
pub struct Patching {
    ticket: Ticket,
    seat: Seat,
}

impl Patching {
    /// Waits for the commit; answers its frame.
    ///
    /// # Errors
    /// They were refused: the message says which patch and why, and nothing was changed. And as [`Ticket::wait`].
    pub fn wait(self, timeout: Duration) -> Result<u64> {
        let applied = self.ticket.wait(timeout).map_err(|error| Error::Input(error.to_string()))?;
        match self.seat.refusal() {
            Some(reason) => Err(Error::Input(reason)),
            None => Ok(applied.frame),
        }
    }
}

/// What leads from one world to another: entities in order of `Id`, for each its types by name.
#[cfg(feature = "store")]
pub(crate) fn between(before: &crate::store::Image, after: &crate::store::Image) -> Vec<Patch> {
    let mut patches = Vec::new();
    let kept = |id: Id| after.keys_of(id).is_some();
    patches.extend(before.ids().filter(|id| !kept(*id)).map(Patch::destroy));
    for id in after.ids() {
        for (key, entry) in (1..).zip(after.types().iter().skip(1)) {
            let held =
                |image: &crate::store::Image| image.keys_of(id).is_some_and(|keys| keys.contains(&key));
            let (old, new) = (before.value_of(id, key), after.value_of(id, key));
            let component = || entry.name.clone();
            match (held(before), held(after)) {
                (true, false) => patches.push(Patch::Remove { id, component: component() }),
                (false, true) => {
                    patches.push(Patch::Add { id, component: component(), value: new.map(<[u8]>::to_vec) });
                }
                (true, true) if new.is_some() && old != new => {
                    let value = new.unwrap_or_default().to_vec();
                    patches.push(Patch::Set { id, component: component(), value });
                }
                _ => {}
            }
        }
    }
    patches
}
