//! A world to look at that follows another one: from a snapshot, then by deltas. It is read-only.
//!
//! Invariant: a delta is looked through whole before anything changes; one that does not fit is refused with what and
//! where, and the view is as before. Left out: who sends them, and how often.

mod fit;
mod stream;
#[cfg(all(test, not(diptych_loom)))]
mod tests;

pub use stream::{Follower, Publisher, Update};

use std::io::Read;

use super::marks::{FrameMarks, marks};
use super::room::Room;
use crate::sabotage::{self, Bug};

use super::{DeltaReader, Image, RawWorld, Recovered, StoreError, TypeEntry, WorldDelta, read_snapshot};

/// A read-only world that follows another one.
#[derive(Clone, Debug)]
pub struct ViewWorld {
    image: Image,
    /// How large it is, and may become.
    room: Room,
}

impl ViewWorld {
    /// The world of a snapshot.
    ///
    /// # Errors
    /// As [`read_snapshot`].
    pub fn read(input: impl Read) -> Result<Self, StoreError> {
        Ok(Self::new(read_snapshot(input, |_| {})?.0))
    }

    /// The world of an image. It can follow only where the image's place in its history is known, as of a directory,
    /// or of an engine that keeps records.
    #[must_use]
    pub fn new(image: Image) -> Self {
        let room = Room::of(&image);
        Self { image, room }
    }

    /// The world as it is now: its frame, values, rows and digest.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The frame that is seen.
    #[must_use]
    pub fn frame(&self) -> u64 {
        self.image.frame
    }

    /// Goes on to the delta's target.
    ///
    /// # Errors
    /// It begins at another frame or in another world, its types are others, it is damaged, or does not fit. The view
    /// is as before.
    pub fn apply_delta(&mut self, delta: &WorldDelta) -> Result<(), StoreError> {
        let refuse = |reason: String| Err(StoreError::refused("the delta", reason));
        let frame = self.image.frame;
        if delta.source != frame {
            let (source, target) = (delta.source, delta.target);
            return refuse(format!(
                "it leads from frame {source} to {target}, and the view is at frame {frame}"
            ));
        }
        match self.image.link {
            Some(link) if link == delta.source_link => {}
            Some(_) => return refuse(format!("it is of another world, or of another history of it: frame {frame} was another")),
            None => return refuse("the view does not know its place in the world's history; begin with a snapshot of an engine that keeps records".to_owned()),
        }
        check_types(&self.image.types, &delta.types)?;
        let records = delta.checked()?;
        let mut room = self.room;
        room.came(delta.record_bytes());
        self.room = fit::check(&self.image, &records, room)?;
        // Of no frames: what the last one has set and removed stays so.
        if delta.target > frame {
            self.apply(&records, delta);
        }
        Ok(())
    }

    fn apply(&mut self, records: &[DeltaReader<'_>], delta: &WorldDelta) {
        let types = std::mem::take(&mut self.image.types);
        let mut world = RawWorld::new(&types);
        world.tables = std::mem::take(&mut self.image.tables);
        world.serials = std::mem::take(&mut self.image.serials);
        (world.digest, world.dt) = (self.image.stored_digest, self.image.dt);
        world.lend_marked(&self.image.marks);
        for record in records.iter().skip(usize::from(sabotage::now_and_then(Bug::DeltaWithoutRows))) {
            world.apply(record).expect("every operation was tried before");
        }
        let last = records.last().filter(|record| record.frame() == delta.target);
        let found = match last {
            Some(record) => marks(record).expect("every operation was read before"),
            None => {
                world.blank_transient();
                FrameMarks::default()
            }
        };
        let recovered = Recovered {
            frame: delta.target,
            dt: world.dt,
            tables: world.tables,
            marks: found.marks,
            removed: found.removed.into_iter().filter(|_| !sabotage::is(Bug::DeltaWithoutRemovals)).collect(),
            notes: found.notes,
            serials: world.serials,
            digest: world.digest,
            stored_types: types,
            repaired: None,
            digest_former: None,
            tail: None,
            link: Some(delta.target_link),
        };
        let facts = std::mem::take(&mut self.image.facts);
        self.image = Image::new(recovered, facts);
    }

    /// Whether the world has the digest that its frame was stored with; `None` where it was stored with none.
    #[must_use]
    pub fn agrees(&self) -> Option<bool> {
        let (frame, digest) = self.image.stored_digest()?;
        (frame == self.image.frame).then(|| digest == self.image.digest())
    }
}

/// Refuses other types than those of the view.
fn check_types(ours: &[TypeEntry], theirs: &[TypeEntry]) -> Result<(), StoreError> {
    let refuse = |reason: String| Err(StoreError::refused("the delta", reason));
    for (key, entry) in theirs.iter().enumerate() {
        match ours.get(key) {
            Some(other) if other == entry => {}
            Some(other) if other.name == entry.name && other.version == entry.version => {
                return refuse(format!("its type {} has another layout than the view's", entry.name));
            }
            Some(other) => {
                return refuse(format!(
                    "its type {key} is {} of version {}, the view's is {} of version {}; take a new snapshot",
                    entry.name, entry.version, other.name, other.version
                ));
            }
            None => {
                return refuse(format!(
                    "its type {} is unknown to the view; take a new snapshot",
                    entry.name
                ));
            }
        }
    }
    match ours.get(theirs.len()) {
        Some(entry) => refuse(format!("it does not know the type {}; take a new snapshot", entry.name)),
        None => Ok(()),
    }
}
