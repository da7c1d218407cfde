//! A world followed over any stream of bytes: a snapshot, then deltas, then a close.
//!
//! Invariant: what arrives is applied whole or not at all; a stream that ends without its close says so.
//! Left out: the transport, and how often somebody publishes.

use std::io::{Read, Write};

use super::ViewWorld;
use crate::store::delta::Link;
use crate::store::snapshot::{BlockReader, BlockWriter, SnapshotReader, Tag, write_blocks};
use crate::store::{Extras, Image, StoreError, WorldDelta};

/// Writes a world and what becomes of it to a stream.
#[derive(Debug)]
pub struct Publisher<W: Write> {
    blocks: BlockWriter<W>,
    frame: u64,
    link: Option<Link>,
}

impl<W: Write> Publisher<W> {
    /// Begins with a snapshot of `image`.
    ///
    /// # Errors
    /// Writing failed.
    pub fn new(out: W, image: &Image) -> Result<Self, StoreError> {
        let mut blocks = BlockWriter::new(out);
        write_blocks(image, &Extras::default(), &mut blocks, &mut |_, _| {})?;
        blocks.flush()?;
        Ok(Self { blocks, frame: image.frame, link: image.link })
    }

    /// The frame that whoever follows has, once all that was written has arrived: the source of the next delta.
    #[must_use]
    pub fn frame(&self) -> u64 {
        self.frame
    }

    /// Sends a delta, which must begin where the last one ended.
    ///
    /// # Errors
    /// It does not, or writing failed.
    pub fn send(&mut self, delta: &WorldDelta) -> Result<(), StoreError> {
        if delta.source != self.frame || Some(delta.source_link) != self.link {
            let (frame, source) = (self.frame, delta.source);
            let reason =
                format!("it begins at frame {source}; the stream is at frame {frame}, of one history");
            return Err(StoreError::refused("the delta", reason));
        }
        self.blocks.put(Tag::Delta, &delta.encode())?;
        (self.frame, self.link) = (delta.target, Some(delta.target_link));
        self.blocks.flush()
    }

    /// Ends the stream, so that whoever follows knows that nothing is missing. Answers the bytes written.
    ///
    /// # Errors
    /// Writing failed.
    pub fn close(mut self) -> Result<u64, StoreError> {
        self.blocks.put(Tag::Close, &self.frame.to_le_bytes())?;
        self.blocks.flush()?;
        Ok(self.blocks.bytes())
    }
}

/// Reads a stream that a [`Publisher`] writes.
#[derive(Debug)]
pub struct Follower<R: Read> {
    blocks: BlockReader<R>,
    view: ViewWorld,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The view is at this frame now.
    Frame(u64),
    /// The publisher has closed the stream.
    Closed,
}

impl ViewWorld {
    /// Follows a stream: waits for its snapshot, then each [`Follower::next_update`] waits for a delta.
    ///
    /// # Errors
    /// As [`read_snapshot`](crate::store::read_snapshot).
    pub fn follow<R: Read>(input: R) -> Result<Follower<R>, StoreError> {
        let mut blocks = BlockReader::new(input);
        let mut reader = SnapshotReader::default();
        while !reader.ended {
            let block = blocks.next()?;
            let block = block.ok_or_else(|| blocks.refuse("the stream ends before the snapshot's end"))?;
            reader.take(&block).map_err(|error| blocks.placed(&block, error))?;
            blocks.give_back(block);
        }
        let (image, _) = reader.finish()?;
        Ok(Follower { blocks, view: ViewWorld::new(image) })
    }
}

impl<R: Read> Follower<R> {
    /// The world as far as it has come.
    #[must_use]
    pub fn view(&self) -> &ViewWorld {
        &self.view
    }

    /// Waits for what comes next, and applies it.
    ///
    /// # Errors
    /// The stream is damaged or ends without its close, or a delta does not fit; the view is as before.
    pub fn next_update(&mut self) -> Result<Update, StoreError> {
        let Some(block) = self.blocks.next()? else {
            let reason = format!(
                "the stream ends at frame {} without its close; the publisher is gone",
                self.view.frame()
            );
            return Err(self.blocks.refuse(&reason));
        };
        let done = match block.tag {
            Tag::Delta => WorldDelta::decode(&block.payload)
                .and_then(|delta| self.view.apply_delta(&delta))
                .map(|()| Update::Frame(self.view.frame())),
            Tag::Close if block.payload == self.view.frame().to_le_bytes() => Ok(Update::Closed),
            _ => Err(StoreError::refused("the block", "it does not belong here")),
        };
        let done = done.map_err(|error| self.blocks.placed(&block, error));
        self.blocks.give_back(block);
        done
    }
}
