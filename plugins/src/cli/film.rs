//! The pictures of a run.
//!
//! Invariant: pictures are drawn between frames and change nothing. Files are begun before the first frame and are whole
//! after the last one, or not there.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use diptych::picture::{Canvas, Gif, write_png};
use diptych::prelude::*;

use super::args::PictureArgs;
use super::file::Draft;
use super::{Failure, note};

/// The most pictures of a film; more are refused, or left out where nobody said how many there would be.
const GIF_FRAMES_MAX: u64 = 2000;
/// How long each is seen, in hundredths of a second.
const GIF_DELAY: u16 = 4;

/// What is drawn, and where to.
#[derive(Debug)]
pub(crate) struct Film {
    draw: fn(View<'_>, &mut Canvas),
    canvas: Canvas,
    every: u64,
    png: Option<Draft>,
    gif: Option<Reel>,
}

/// A film that is being written.
#[derive(Debug)]
struct Reel {
    gif: Gif<BufWriter<File>>,
    draft: Draft,
    pictures: u64,
    /// Of the last picture.
    frame: u64,
}

impl Reel {
    /// Begins a film of pictures as large as the canvas.
    fn begin(path: &Path, canvas: &Canvas) -> Result<Reel, Failure> {
        let draft = Draft::begin(path)?;
        let file = draft.file().try_clone().map_err(|error| draft.failed(&error))?;
        let gif = Gif::new(BufWriter::new(file), canvas.width(), canvas.height(), GIF_DELAY);
        let gif = gif.map_err(|error| draft.failed(&error))?;
        Ok(Reel { gif, draft, pictures: 0, frame: 0 })
    }
}

impl Film {
    /// Begins the files that are asked for.
    pub(crate) fn begin(args: &PictureArgs, draw: fn(View<'_>, &mut Canvas)) -> Result<Film, Failure> {
        let canvas = Canvas::new(args.size.width, args.size.height);
        let png = args.png.as_deref().map(Draft::begin).transpose()?;
        let gif = args.gif.as_deref().map(|path| Reel::begin(path, &canvas)).transpose()?;
        Ok(Film { draw, canvas, every: args.every, png, gif })
    }

    /// Refuses a film from `first` to `goal` that would be too long.
    pub(crate) fn check(&self, first: u64, goal: u64) -> Result<(), Failure> {
        let every = self.every;
        // The first frame is always in it.
        let pictures = goal / every - first / every + 1;
        if self.gif.is_none() || pictures <= GIF_FRAMES_MAX {
            return Ok(());
        }
        let enough = (goal - first).div_ceil(GIF_FRAMES_MAX - 1);
        Err(Failure::Refused(format!(
            "--gif with --every {every} would have {pictures} pictures, more than {GIF_FRAMES_MAX}, the limit; \
             --every {enough} has fewer"
        )))
    }

    /// The frame after `frame` that is to be looked at.
    pub(crate) fn next(&self, frame: u64) -> u64 {
        let next = (frame / self.every).saturating_add(1).saturating_mul(self.every);
        if self.gif.as_ref().is_some_and(|reel| reel.pictures < GIF_FRAMES_MAX) { next } else { u64::MAX }
    }

    /// Films a frame if it is to be: the first one, and each whose number is a multiple of `--every`.
    pub(crate) fn look(&mut self, view: View<'_>) -> Result<(), Failure> {
        let Some(reel) = &mut self.gif else { return Ok(()) };
        let is_due = view.frame().is_multiple_of(self.every) && view.frame() > reel.frame;
        if reel.pictures > 0 && (!is_due || reel.pictures >= GIF_FRAMES_MAX) {
            return Ok(());
        }
        (self.draw)(view, &mut self.canvas);
        reel.gif.add(&self.canvas).map_err(|error| reel.draft.failed(&error))?;
        (reel.pictures, reel.frame) = (reel.pictures + 1, view.frame());
        if reel.pictures == GIF_FRAMES_MAX {
            note(&format!(
                "the film has {GIF_FRAMES_MAX} pictures, the limit; it ends at frame {}",
                view.frame()
            ));
        }
        Ok(())
    }

    /// Draws the last frame, and puts the files in their places.
    pub(crate) fn end(mut self, view: View<'_>) -> Result<(), Failure> {
        if let Some(Reel { gif, draft, .. }) = self.gif {
            let written = gif.finish().and_then(|out| out.into_inner().map_err(|error| error.into_error()));
            written.map_err(|error| draft.failed(&error))?;
            draft.finish()?;
        }
        if let Some(draft) = self.png {
            (self.draw)(view, &mut self.canvas);
            let mut out = BufWriter::new(draft.file());
            let written = write_png(&self.canvas, &mut out).and_then(|()| out.flush());
            written.map_err(|error| draft.failed(&error))?;
            drop(out);
            draft.finish()?;
        }
        Ok(())
    }
}
