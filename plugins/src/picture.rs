//! Pictures of worlds: a canvas of pixels that a scene draws its committed frame on.
//!
//! Invariant: drawing reads a view and changes nothing, and equal frames give equal pixels. What is outside of the canvas
//! is cut off. Left out: files and screens, which take a canvas as it is.

#[cfg(feature = "picture")]
mod gif;
#[cfg(feature = "picture")]
mod palette;
#[cfg(feature = "picture")]
mod png;

#[cfg(feature = "picture")]
pub use gif::Gif;
#[cfg(feature = "picture")]
pub use png::write_png;

/// The most pixels of a canvas on one side.
pub const CANVAS_SIDE_MAX: u32 = 4096;

/// Red, green and blue.
pub type Color = [u8; 3];

/// Pixels, row by row from the top left.
///
/// ```
/// use diptych::picture::Canvas;
///
/// let mut canvas = Canvas::new(64, 32);
/// canvas.look_at([-1.0, -1.0], [1.0, 1.0]);
/// canvas.dot([0.0, 0.0], [255, 255, 255]);
/// assert_eq!(canvas.pixel(32, 16), [255, 255, 255]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<Color>,
    window: Window,
}

/// From places of the world to pixels: `pixel = (place - low) * scale + shift`, with the second axis upwards.
#[derive(Clone, Copy, Debug)]
struct Window {
    low: [f64; 2],
    scale: f64,
    shift: [f64; 2],
}

impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        let bits = |window: &Self| {
            [window.low, [window.scale, 0.0], window.shift].map(|pair| pair.map(f64::to_bits))
        };
        bits(self) == bits(other)
    }
}

impl Eq for Window {}

impl Canvas {
    /// A black canvas whose window is its own pixels.
    ///
    /// # Panics
    /// When a side is 0 or above [`CANVAS_SIDE_MAX`].
    #[must_use]
    pub fn new(width: u32, height: u32) -> Canvas {
        let fits = |side: u32| (1..=CANVAS_SIDE_MAX).contains(&side);
        assert!(
            fits(width) && fits(height),
            "a canvas has 1 to {CANVAS_SIDE_MAX} pixels a side, not {width}x{height}"
        );
        let window = Window { low: [0.0; 2], scale: 1.0, shift: [0.0; 2] };
        Canvas { width, height, pixels: vec![[0; 3]; width as usize * height as usize], window }
    }

    /// Pixels of a row.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All pixels, row by row from the top left.
    #[must_use]
    pub fn pixels(&self) -> &[Color] {
        &self.pixels
    }

    /// One pixel.
    ///
    /// # Panics
    /// When it is outside of the canvas.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> Color {
        assert!(x < self.width && y < self.height, "{x},{y} is outside of {}x{}", self.width, self.height);
        self.pixels[y as usize * self.width as usize + x as usize]
    }

    /// Paints everything.
    pub fn clear(&mut self, color: Color) {
        self.pixels.fill(color);
    }

    /// Shows the part of the world between two corners, as large as it fits, in the middle, undistorted. A window
    /// without a size, or of numbers that are none, shows one unit around its first corner.
    pub fn look_at(&mut self, low: [f64; 2], high: [f64; 2]) {
        let size = [high[0] - low[0], high[1] - low[1]];
        let is_whole = size.iter().chain(&low).all(|x| x.is_finite()) && size.iter().all(|side| *side > 0.0);
        let (low, size) =
            if is_whole { (low, size) } else { (low.map(|x| if x.is_finite() { x } else { 0.0 }), [1.0; 2]) };
        let (width, height) = (f64::from(self.width), f64::from(self.height));
        let scale = (width / size[0]).min(height / size[1]);
        let shift = [(width - size[0] * scale) / 2.0, (height - size[1] * scale) / 2.0];
        self.window = Window { low, scale, shift };
    }

    /// Pixels of one unit of the world.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.window.scale
    }

    /// The pixel at a place of the world, if it is on the canvas.
    #[must_use]
    pub fn place(&self, at: [f64; 2]) -> Option<(u32, u32)> {
        let [x, y] = self.project(at);
        let (x, y) = (x.floor(), y.floor());
        let is_inside = x >= 0.0 && y >= 0.0 && x < f64::from(self.width) && y < f64::from(self.height);
        is_inside.then_some((x as u32, y as u32))
    }

    /// Paints the pixel at a place of the world.
    pub fn dot(&mut self, at: [f64; 2], color: Color) {
        if let Some((x, y)) = self.place(at) {
            self.set(x, y, color);
        }
    }

    /// Adds light to the pixel at a place of the world, up to white: where many things are it is brighter.
    pub fn glow(&mut self, at: [f64; 2], color: Color) {
        if let Some((x, y)) = self.place(at) {
            let pixel = &mut self.pixels[y as usize * self.width as usize + x as usize];
            for (channel, more) in pixel.iter_mut().zip(color) {
                *channel = channel.saturating_add(more);
            }
        }
    }

    /// Fills a disc around a place of the world; `radius` is in units of the world, and one pixel is always painted.
    pub fn disc(&mut self, at: [f64; 2], radius: f64, color: Color) {
        self.dot(at, color);
        let ([x, y], radius) = (self.project(at), radius * self.window.scale);
        if !(x.is_finite() && y.is_finite() && radius.is_finite() && radius > 0.5) {
            return;
        }
        let rows = span(y, radius, self.height);
        for row in rows {
            let off = f64::from(row) + 0.5 - y;
            let half = (radius * radius - off * off).max(0.0).sqrt();
            for column in span(x, half, self.width) {
                self.set(column, row, color);
            }
        }
    }

    /// Fills the pixels whose middles lie in a part of the world, from the corner `low` on and up to `high`, but for that
    /// edge: parts that touch share no pixel.
    pub fn rectangle(&mut self, low: [f64; 2], high: [f64; 2], color: Color) {
        let ([left, bottom], [right, top]) = (self.project(low), self.project(high));
        let pixels = |from: f64, to: f64, end: u32| {
            let cut = |edge: f64| (edge - 0.5).ceil().clamp(0.0, f64::from(end)) as u32;
            cut(from)..cut(to)
        };
        for row in pixels(top, bottom, self.height) {
            for column in pixels(left, right, self.width) {
                self.set(column, row, color);
            }
        }
    }

    /// Paints a pixel by its own numbers, from the top left; outside of the canvas nothing.
    pub fn set(&mut self, x: u32, y: u32, color: Color) {
        if x < self.width && y < self.height {
            self.pixels[y as usize * self.width as usize + x as usize] = color;
        }
    }

    /// In pixels, with fractions; the second axis of the world goes upwards, that of the canvas down.
    fn project(&self, at: [f64; 2]) -> [f64; 2] {
        let Window { low, scale, shift } = self.window;
        let [x, y] = [0, 1].map(|axis| (at[axis] - low[axis]) * scale + shift[axis]);
        [x, f64::from(self.height) - y]
    }
}

/// The pixels whose middles are at most `half` from `middle`, cut to `0..end`.
fn span(middle: f64, half: f64, end: u32) -> std::ops::Range<u32> {
    let first = (middle - half - 0.5).ceil().clamp(0.0, f64::from(end));
    let last = (middle + half - 0.5).floor().clamp(-1.0, f64::from(end) - 1.0);
    first as u32..(last + 1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::Canvas;

    const WHITE: [u8; 3] = [255; 3];

    fn painted(canvas: &Canvas) -> usize {
        canvas.pixels().iter().filter(|pixel| **pixel == WHITE).count()
    }

    /// Claim: a disc covers about its area, and what is beyond an edge is cut, wherever it lies.
    #[test]
    fn discs_are_round_and_cut() {
        let mut canvas = Canvas::new(100, 80);
        canvas.look_at([0.0, 0.0], [50.0, 40.0]);
        canvas.disc([25.0, 20.0], 10.0, WHITE);
        let area = core::f64::consts::PI * 400.0;
        assert!((painted(&canvas) as f64 - area).abs() < 0.02 * area, "{}", painted(&canvas));
        canvas.clear([0; 3]);
        canvas.disc([0.0, 0.0], 10.0, WHITE);
        assert!((painted(&canvas) as f64 - area / 4.0).abs() < 0.05 * area, "{}", painted(&canvas));
        for far in [[1e300, 0.0], [f64::NAN, 1.0], [-1e9, -1e9], [0.0, f64::INFINITY]] {
            canvas.clear([0; 3]);
            canvas.disc(far, 5.0, WHITE);
            canvas.glow(far, WHITE);
            assert_eq!(painted(&canvas), 0, "{far:?}");
        }
    }

    /// Claim: rectangles that touch share no pixel and leave none between them, at any scale, and are cut at the edges.
    #[test]
    fn rectangles_tile() {
        for side in [7, 10, 33, 64] {
            let mut canvas = Canvas::new(side, side);
            canvas.look_at([0.0, 0.0], [10.0, 10.0]);
            let mut total = 0;
            for cell in 0..100 {
                let (x, y) = (f64::from(cell % 10), f64::from(cell / 10));
                canvas.clear([0; 3]);
                canvas.rectangle([x, y], [x + 1.0, y + 1.0], WHITE);
                total += painted(&canvas);
            }
            assert_eq!(total, (side * side) as usize, "{side} pixels a side");
            canvas.clear([0; 3]);
            canvas.rectangle([-1e300, -5.0], [1e300, 5.0], WHITE);
            assert_eq!(
                painted(&canvas),
                (side * side.div_ceil(2)) as usize,
                "the lower half, {side} pixels a side"
            );
            canvas.rectangle([f64::NAN, 0.0], [f64::NAN, 99.0], WHITE);
        }
    }

    /// Claim: a window keeps the world's shape, stands in the middle, and has its second axis upwards.
    #[test]
    fn windows_keep_shapes() {
        let mut canvas = Canvas::new(200, 100);
        canvas.look_at([-1.0, -1.0], [1.0, 1.0]);
        assert_eq!(canvas.place([0.0, 0.0]), Some((100, 50)));
        assert_eq!(canvas.place([-0.99, 0.99]), Some((50, 0)));
        assert_eq!(canvas.place([0.99, -0.99]), Some((149, 99)));
        canvas.look_at([3.0, 3.0], [3.0, f64::NAN]);
        assert!(canvas.place([3.5, 3.5]).is_some(), "a window without a size shows something");
    }
}
