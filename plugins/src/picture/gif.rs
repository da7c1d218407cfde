//! Canvases as the frames of an animated GIF.
//!
//! Invariant: equal canvases give equal bytes. A frame holds what differs from the one before and no more, so what rests
//! costs nothing. Left out: reading, and colours beyond 256 a frame, which become similar ones.

use super::Canvas;
use super::palette::Indexed;
use std::borrow::Cow;
use std::io::{Error, Result, Write};

/// An animated GIF that is being written; it begins again when it is over.
///
/// ```
/// use diptych::picture::{Canvas, Gif};
///
/// let mut canvas = Canvas::new(64, 32);
/// let mut gif = Gif::new(Vec::new(), 64, 32, 4)?;
/// for x in 0..10 {
///     canvas.set(x, 16, [255, 255, 255]);
///     gif.add(&canvas)?;
/// }
/// assert!(gif.finish()?.starts_with(b"GIF89a"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Gif<W: Write> {
    encoder: gif::Encoder<W>,
    delay: u16,
    size: (u32, u32),
    last: Option<Canvas>,
}

impl<W: Write> core::fmt::Debug for Gif<W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Gif").field("size", &self.size).finish_non_exhaustive()
    }
}

impl<W: Write> Gif<W> {
    /// A film of canvases of `width` by `height` pixels, each seen for `delay` hundredths of a second. Viewers take less
    /// than 2 for 10.
    ///
    /// # Errors
    /// Those of `out`; a side is 0 or above 65,535.
    pub fn new(out: W, width: u32, height: u32, delay: u16) -> Result<Gif<W>> {
        let side = |side: u32| u16::try_from(side).ok().filter(|side| *side > 0);
        let (Some(columns), Some(rows)) = (side(width), side(height)) else {
            return Err(Error::other(format!("a GIF has 1 to 65535 pixels a side, not {width}x{height}")));
        };
        let mut encoder = gif::Encoder::new(out, columns, rows, &[]).map_err(io)?;
        encoder.set_repeat(gif::Repeat::Infinite).map_err(io)?;
        Ok(Gif { encoder, delay, size: (width, height), last: None })
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// Those of `out`.
    ///
    /// # Panics
    /// When the canvas is of another size than the film.
    pub fn add(&mut self, canvas: &Canvas) -> Result<()> {
        let size = (canvas.width(), canvas.height());
        assert!(size == self.size, "a film of {:?} pixels cannot show a canvas of {size:?}", self.size);
        let part =
            self.last.as_ref().map_or(Part { x: 0..size.0, y: 0..size.1 }, |last| Part::of(last, canvas));
        let (x, y) = (part.x.start as usize..part.x.end as usize, part.y.clone());
        let row = |y: u32| &canvas.pixels()[y as usize * size.0 as usize..][x.clone()];
        let indexed = Indexed::of(&y.flat_map(row).copied().collect::<Vec<_>>());
        // The sides fit: the film's do.
        let frame = gif::Frame {
            delay: self.delay,
            dispose: gif::DisposalMethod::Keep,
            left: part.x.start as u16,
            top: part.y.start as u16,
            width: part.x.len() as u16,
            height: part.y.len() as u16,
            palette: Some(indexed.colors.into_flattened()),
            buffer: Cow::Owned(indexed.pixels),
            ..gif::Frame::default()
        };
        self.encoder.write_frame(&frame).map_err(io)?;
        match &mut self.last {
            Some(last) => last.clone_from(canvas),
            last => *last = Some(canvas.clone()),
        }
        Ok(())
    }

    /// Ends the film and gives back what it was written to.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> Result<W> {
        self.encoder.into_inner().map_err(io)
    }
}

fn io(error: gif::EncodingError) -> Error {
    match error {
        gif::EncodingError::Io(error) => error,
        other => Error::other(other),
    }
}

/// Columns and rows of a canvas.
struct Part {
    x: core::ops::Range<u32>,
    y: core::ops::Range<u32>,
}

impl Part {
    /// Where two canvases of one size differ; one pixel where they do not, since a frame must have one.
    fn of(last: &Canvas, next: &Canvas) -> Part {
        let width = next.width() as usize;
        let mut part: Option<Part> = None;
        let rows = last.pixels().chunks_exact(width).zip(next.pixels().chunks_exact(width));
        for (row, (old, new)) in (0_u32..).zip(rows).filter(|(_, (old, new))| old != new) {
            let differs = |at: &usize| old[*at] != new[*at];
            let first = (0..width).find(differs).expect("the rows differ") as u32;
            let last = (0..width).rfind(differs).expect("the rows differ") as u32;
            let seen = part.unwrap_or(Part { x: first..last + 1, y: row..row + 1 });
            let x = seen.x.start.min(first)..seen.x.end.max(last + 1);
            part = Some(Part { x, y: seen.y.start..row + 1 });
        }
        part.unwrap_or(Part { x: 0..1, y: 0..1 })
    }
}

#[cfg(test)]
mod tests {
    use super::Gif;
    use crate::picture::Canvas;

    /// The frames of a film as a viewer puts them together.
    fn shown(bytes: &[u8]) -> Vec<Vec<[u8; 3]>> {
        let mut decoder = gif::DecodeOptions::new();
        decoder.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = decoder.read_info(bytes).unwrap_or_else(|error| panic!("{error}"));
        let width = usize::from(decoder.width());
        let mut screen = vec![[0; 3]; width * usize::from(decoder.height())];
        let mut frames = Vec::new();
        while let Some(frame) = decoder.read_next_frame().unwrap_or_else(|error| panic!("{error}")) {
            let (left, top, columns) = (frame.left.into(), frame.top.into(), usize::from(frame.width));
            for (at, pixel) in frame.buffer.chunks_exact(4).enumerate() {
                let (x, y): (usize, usize) = (at % columns, at / columns);
                let (left, top): (usize, usize) = (left, top);
                screen[(top + y) * width + left + x] = [pixel[0], pixel[1], pixel[2]];
            }
            frames.push(screen.clone());
        }
        frames
    }

    /// Claim: a viewer shows each canvas as it was, whether all of it, a corner or nothing differs from the last one.
    #[test]
    fn a_film_shows_its_canvases() {
        let mut canvas = Canvas::new(40, 30);
        let mut canvases = vec![canvas.clone(), canvas.clone()];
        canvas.set(39, 29, [255, 0, 0]);
        canvases.push(canvas.clone());
        canvas.clear([1, 2, 3]);
        canvases.push(canvas.clone());
        canvas.set(3, 4, [9, 9, 9]);
        canvas.set(20, 2, [8, 8, 8]);
        canvases.push(canvas.clone());
        // The lower row reaches farther to either side.
        canvas.set(20, 5, [7, 7, 7]);
        canvas.set(30, 9, [6, 6, 6]);
        canvas.set(11, 9, [5, 5, 5]);
        canvases.push(canvas.clone());
        let film = || {
            let mut gif = Gif::new(Vec::new(), 40, 30, 4).unwrap_or_else(|error| panic!("{error}"));
            canvases.iter().for_each(|canvas| gif.add(canvas).unwrap_or_else(|error| panic!("{error}")));
            gif.finish().unwrap_or_else(|error| panic!("{error}"))
        };
        let bytes = film();
        let frames = shown(&bytes);
        assert_eq!(frames.len(), canvases.len());
        for (at, (frame, canvas)) in frames.iter().zip(&canvases).enumerate() {
            assert!(frame == canvas.pixels(), "frame {at}");
        }
        assert_eq!(film(), bytes, "equal canvases, equal bytes");
    }
}
