//! The pictures of a run.
//!
//! Invariant: pictures are drawn between frames and change nothing. Files are begun before the first frame and are whole
//! after the last one, or not there.

use std::io::BufWriter;

use diptych::picture::{Canvas, write_png};
use diptych::prelude::*;

use super::Failure;
use super::args::PictureArgs;
use super::file::Draft;

/// What is drawn, and where to.
#[derive(Debug)]
pub(crate) struct Film {
    draw: fn(View<'_>, &mut Canvas),
    canvas: Canvas,
    png: Option<Draft>,
}

impl Film {
    /// Begins the files that are asked for.
    pub(crate) fn begin(args: &PictureArgs, draw: fn(View<'_>, &mut Canvas)) -> Result<Film, Failure> {
        let png = args.png.as_deref().map(Draft::begin).transpose()?;
        Ok(Film { draw, canvas: Canvas::new(args.size.width, args.size.height), png })
    }

    /// The frame after `frame` that is to be looked at.
    pub(crate) fn next(&self, _frame: u64) -> u64 {
        u64::MAX
    }

    /// Films a frame, if it is to be.
    pub(crate) fn look(&mut self, _view: View<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Draws the last frame, and puts the files in their places.
    pub(crate) fn end(mut self, view: View<'_>) -> Result<(), Failure> {
        if let Some(draft) = self.png {
            (self.draw)(view, &mut self.canvas);
            let written = write_png(&self.canvas, BufWriter::new(draft.file()));
            written.map_err(|error| draft.failed(&error))?;
            draft.finish()?;
        }
        Ok(())
    }
}
