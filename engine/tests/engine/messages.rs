//! Messages between systems: their order, their delivery, and what a build refuses.

mod delivery;
mod order;
mod refusals;
#[cfg(feature = "store")]
mod reopened;

use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Health(u64);

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Gun {
    target: Id,
}

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Damage(u64);

/// What a reader saw, outside of the world: target, sender, message.
type Log<M> = Arc<Mutex<Vec<(Id, Id, M)>>>;

/// A system that notes all its mail.
fn note<M: Copy + Send + Sync + 'static>(log: &Log<M>) -> impl FnMut(Inbox<'_, M>) + Send + Sync + 'static {
    let log = log.clone();
    move |mail: Inbox<'_, M>| {
        let mut log = log.lock().expect("no panic under it");
        log.extend(mail.iter().map(|(target, sender, message)| (target, sender, *message)));
    }
}

fn noted<M: Copy>(log: &Log<M>) -> Vec<(Id, Id, M)> {
    core::mem::take(&mut *log.lock().expect("no panic under it"))
}
