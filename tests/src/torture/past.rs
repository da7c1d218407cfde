//! What can be asked of a world's past: any kept frame, a copy while it is open, and the whole story again from its log.

use crate::torture::fault::Left;
use crate::torture::trial::Trial;
use diptych_engine::prelude::*;
use diptych_engine::store::Image;
use std::path::Path;

impl Trial<'_> {
    /// An image of a frame that an open world keeps, with the number of the frame; none where there is none.
    pub(crate) fn kept_image(&mut self, engine: &mut Engine) -> Result<Option<(u64, Image)>, String> {
        let Some(kept) = engine.retained() else { return Ok(None) };
        let frame = kept.start() + self.dice.below(kept.end() - kept.start() + 1);
        match engine.at(frame) {
            Ok(image) => Ok(Some((frame, image))),
            // What is kept moves on meanwhile, and frames may be known by their inputs alone.
            Err(error)
                if ["is not kept", "by its inputs alone"]
                    .iter()
                    .any(|why| error.to_string().contains(why)) =>
            {
                Ok(None)
            }
            Err(error) => Err(format!("looking back at frame {frame}: {error}")),
        }
    }

    /// Looks at a kept frame of an open world.
    pub(crate) fn look_back(&mut self, engine: &mut Engine) -> Result<(), String> {
        let Some((frame, image)) = self.kept_image(engine)? else { return Ok(()) };
        let (digest, expected) = (image.digest(), self.digests[frame as usize]);
        self.outcome.looks += 1;
        if image.frame() == frame && digest == expected {
            return Ok(());
        }
        Err(format!(
            "looking back at frame {frame}: the image of frame {} has the digest {digest}, in memory it was {expected}",
            image.frame()
        ))
    }

    /// Copies an open world.
    pub(crate) fn back_up(&mut self, engine: &mut Engine, target: &Path) -> Result<Left, String> {
        let frame = engine.frame();
        let made = engine.backup(target).map_err(|error| format!("a backup of frame {frame}: {error}"))?;
        let expected = self.digests[frame as usize];
        if made.frame != Some(frame) || made.digest.is_some_and(|digest| digest != expected) {
            return Err(format!("a backup of frame {frame}, which had the digest {expected}: {made:?}"));
        }
        Ok(Left { dir: target.to_owned(), floor: frame })
    }

    /// Makes the story again from the log of a closed world.
    pub(crate) fn again(&mut self, left: &Left) -> Result<(), String> {
        let threads = 1 + self.dice.below(3) as usize;
        self.done.push(format!("a replay on {threads} threads"));
        let builder = self.play.register(Engine::in_memory()).threads(threads);
        let failed = |error: Error| format!("the replay: {error}");
        let mut replay = match builder.replay(&left.dir, ReplayFrom::Oldest) {
            Err(error) if !self.logged && error.to_string().contains("no log of inputs") => return Ok(()),
            made => made.map_err(failed)?,
        };
        let frame = replay.run_to(u64::MAX).map_err(failed)?;
        replay.compare_state().map_err(failed)?;
        let (digest, expected) = (replay.digest(), self.digests[frame as usize]);
        if frame != left.floor || digest != expected {
            return Err(format!(
                "the replay ends at frame {frame} of {} with the digest {digest}, in memory it was {expected}",
                left.floor
            ));
        }
        self.outcome.replays += 1;
        Ok(())
    }
}
