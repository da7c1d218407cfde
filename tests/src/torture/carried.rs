//! Worlds that are carried elsewhere: exported from an open world, as a snapshot or as lines of JSON, and imported.
//!
//! Invariant: what arrives is the frame that was exported, whole; a snapshot with a changed bit arrives nowhere.

use crate::torture::fault::Left;
use crate::torture::portrait::Portrait;
use crate::torture::trial::Trial;
use diptych::jsonlines;
use diptych_engine::prelude::*;
use diptych_engine::store::{Extras, at, import, read_snapshot, write_snapshot};
use std::path::Path;

impl Trial<'_> {
    /// Makes a world in `target` from the committed frame of an open one, or from an earlier frame that it keeps.
    pub(crate) fn carry(&mut self, engine: &mut Engine, target: &Path) -> Result<Left, String> {
        let mut bytes = Vec::new();
        let kept = if self.dice.one_in(3) { self.kept_image(engine)? } else { None };
        let made = match kept {
            Some((_, image)) => {
                write_snapshot(&image, &Extras::default(), &mut bytes, |_, _| {})
                    .map_err(|error| error.to_string())?;
                image
            }
            None => {
                engine.export(&mut bytes).map_err(|error| format!("an export: {error}"))?;
                engine.image().map_err(|error| format!("an image: {error}"))?
            }
        };
        let frame = made.frame();
        let failed = |error| format!("a snapshot of frame {frame}: {error}");
        self.flip_snapshot(&bytes)?;
        let (mut image, extras) = read_snapshot(bytes.as_slice(), |_| {}).map_err(failed)?;
        let lines = self.dice.one_in(3);
        if lines {
            let mut text = Vec::new();
            jsonlines::write(&image, &extras, &mut text, |_| {}).map_err(failed)?;
            image = jsonlines::read(text.as_slice(), |_| {}).map_err(failed)?.0;
        }
        let (digest, expected) = (image.digest(), self.digests[frame as usize]);
        if (image.frame(), digest) != (frame, expected) {
            return Err(failed_as(frame, &format!("its digest is {digest}, in memory it was {expected}")));
        }
        let same = Portrait::of(&image).difference(&Portrait::of(&made));
        same.map_err(|error| failed_as(frame, &error))?;
        import(target, &image, |_| {}).map_err(|error| format!("an import of frame {frame}: {error}"))?;
        let there = at(target, frame).map_err(|error| format!("an image of the import: {error}"))?;
        let same = Portrait::of(&there).difference(&Portrait::of(&made));
        same.map_err(|error| format!("an import of frame {frame}: {error}"))?;
        self.outcome.imports += 1;
        self.done
            .push(format!("frame {frame} carried elsewhere{}", if lines { " as lines of JSON" } else { "" }));
        Ok(Left { dir: target.to_owned(), floor: frame })
    }

    /// A snapshot with a changed bit is refused.
    fn flip_snapshot(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut changed = bytes.to_vec();
        let (at, bit) = (self.dice.below(bytes.len() as u64) as usize, 1 << self.dice.below(8));
        changed[at] ^= bit;
        match read_snapshot(changed.as_slice(), |_| {}) {
            Err(_) => Ok(()),
            Ok(_) => Err(format!("a snapshot with byte {at} changed by {bit} was read")),
        }
    }
}

fn failed_as(frame: u64, what: &str) -> String {
    format!("a snapshot of frame {frame}: {what}")
}
