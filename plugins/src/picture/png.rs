//! Canvases as PNG files.
//!
//! Invariant: equal canvases give equal bytes. Left out: reading, transparency, text.

use super::Canvas;
use std::io::{Error, Result, Write};

/// Writes a canvas as a PNG of eight bits a channel.
///
/// ```
/// use diptych::picture::{Canvas, write_png};
///
/// let mut file = Vec::new();
/// write_png(&Canvas::new(64, 32), &mut file)?;
/// assert!(file.starts_with(b"\x89PNG"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of `out`.
pub fn write_png(canvas: &Canvas, out: impl Write) -> Result<()> {
    let mut encoder = png::Encoder::new(out, canvas.width(), canvas.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let io = |error| match error {
        png::EncodingError::IoError(error) => error,
        other => Error::other(other),
    };
    let mut writer = encoder.write_header().map_err(io)?;
    writer.write_image_data(canvas.pixels().as_flattened()).map_err(io)?;
    writer.finish().map_err(io)
}
