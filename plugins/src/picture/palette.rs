//! At most 256 colours for a picture that may have more.
//!
//! Invariant: a palette follows from the pixels alone; where 256 colours do, each pixel keeps its own. Left out:
//! dithering, which would make every frame of a film noise.

use super::Color;
use std::collections::BTreeSet;

/// The most colours of a palette: an index is a byte.
pub(crate) const COLORS_MAX: usize = 256;
/// Bits of a channel by which similar colours are counted together.
const BITS: u32 = 5;

/// The colours of a picture, and which of them each pixel has.
pub(crate) struct Indexed {
    /// In turn.
    pub(crate) colors: Vec<Color>,
    /// A colour's place in `colors` for each pixel.
    pub(crate) pixels: Vec<u8>,
}

impl Indexed {
    /// The picture with these pixels.
    pub(crate) fn of(pixels: &[Color]) -> Indexed {
        exact(pixels).unwrap_or_else(|| cut(pixels))
    }
}

/// Every colour as it is, where there are few.
fn exact(pixels: &[Color]) -> Option<Indexed> {
    let mut colors = BTreeSet::new();
    for run in pixels.chunk_by(|a, b| a == b) {
        if colors.insert(run[0]) && colors.len() > COLORS_MAX {
            return None;
        }
    }
    let colors: Vec<Color> = colors.into_iter().collect();
    let mut places = Vec::with_capacity(pixels.len());
    for run in pixels.chunk_by(|a, b| a == b) {
        let place = colors.binary_search(&run[0]).expect("every colour was inserted");
        // It fits: there are at most `COLORS_MAX`.
        places.resize(places.len() + run.len(), place as u8);
    }
    Some(Indexed { colors, pixels: places })
}

/// Similar colours, counted together.
#[derive(Clone, Copy, Default)]
struct Bucket {
    pixels: u64,
    sums: [u64; 3],
}

/// Buckets that will be one colour: the cells of a box in the space of colours.
struct Cell {
    /// Numbers of buckets that have pixels.
    buckets: Vec<u16>,
    /// The channel in which they differ most, and by how much.
    axis: usize,
    extent: u16,
    pixels: u64,
}

/// A bucket's number in one channel.
fn level(bucket: u16, axis: usize) -> u16 {
    bucket >> (BITS * axis as u32) & ((1 << BITS) - 1)
}

fn bucket_of(color: Color) -> u16 {
    let part = |axis: usize| u16::from(color[axis] >> (8 - BITS)) << (BITS * axis as u32);
    part(0) | part(1) | part(2)
}

impl Cell {
    fn of(buckets: Vec<u16>, counted: &[Bucket]) -> Cell {
        let extent = |axis: usize| {
            let levels = || buckets.iter().map(|bucket| level(*bucket, axis));
            levels().max().unwrap_or(0) - levels().min().unwrap_or(0)
        };
        // The first of the widest, by channel.
        let axis = (0..3).rev().max_by_key(|axis| extent(*axis)).expect("there are three channels");
        let extent = extent(axis);
        let pixels = buckets.iter().map(|bucket| counted[usize::from(*bucket)].pixels).sum();
        Cell { buckets, axis, extent, pixels }
    }

    /// In two parts of about as many pixels.
    fn split(mut self, counted: &[Bucket]) -> [Cell; 2] {
        self.buckets.sort_unstable_by_key(|bucket| (level(*bucket, self.axis), *bucket));
        let mut seen = 0;
        let half = self.buckets.iter().position(|bucket| {
            seen += counted[usize::from(*bucket)].pixels;
            seen * 2 >= self.pixels
        });
        let half = half.map_or(1, |at| at + 1).min(self.buckets.len() - 1);
        let upper = self.buckets.split_off(half);
        [Cell::of(self.buckets, counted), Cell::of(upper, counted)]
    }

    fn color(&self, counted: &[Bucket]) -> Color {
        let total = |axis: usize| {
            self.buckets.iter().map(|bucket| counted[usize::from(*bucket)].sums[axis]).sum::<u64>()
        };
        // A mean of bytes is a byte.
        [0, 1, 2].map(|axis| ((total(axis) + self.pixels / 2) / self.pixels) as u8)
    }
}

/// The space of colours cut where most pixels are, as often as there are colours to have (median cut).
fn cut(pixels: &[Color]) -> Indexed {
    let mut counted = vec![Bucket::default(); 1 << (3 * BITS)];
    for color in pixels {
        let bucket = &mut counted[usize::from(bucket_of(*color))];
        bucket.pixels += 1;
        bucket.sums.iter_mut().zip(color).for_each(|(sum, channel)| *sum += u64::from(*channel));
    }
    let used = (0..1 << (3 * BITS)).filter(|bucket| counted[usize::from(*bucket)].pixels > 0);
    let mut cells = vec![Cell::of(used.collect(), &counted)];
    while cells.len() < COLORS_MAX {
        let weight = |cell: &Cell| cell.pixels * u64::from(cell.extent);
        // Of equals the last, whichever: it is always the same.
        let Some(next) = (0..cells.len()).max_by_key(|at| weight(&cells[*at])) else { break };
        if cells[next].extent == 0 {
            break;
        }
        let [lower, upper] = cells.swap_remove(next).split(&counted);
        cells.extend([lower, upper]);
    }
    let mut places = vec![0_u8; counted.len()];
    for (place, cell) in (0..=u8::MAX).zip(&cells) {
        cell.buckets.iter().for_each(|bucket| places[usize::from(*bucket)] = place);
    }
    Indexed {
        colors: cells.iter().map(|cell| cell.color(&counted)).collect(),
        pixels: pixels.iter().map(|color| places[usize::from(bucket_of(*color))]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{COLORS_MAX, Indexed};

    /// Claim: up to 256 colours are kept to the last bit; one more, and each pixel is near its own.
    #[test]
    fn few_colors_are_kept_and_many_are_near() {
        let few: Vec<[u8; 3]> = (0..=255).map(|n: u8| [n, n.wrapping_mul(7), 255 - n]).collect();
        let exact = Indexed::of(&few);
        let shown: Vec<[u8; 3]> = exact.pixels.iter().map(|at| exact.colors[usize::from(*at)]).collect();
        assert_eq!(shown, few);
        let many: Vec<[u8; 3]> =
            (0..100_u8).flat_map(|r| (0..100).map(move |g| [r, g / 2 + 60, 30])).collect();
        let near = Indexed::of(&many);
        assert!(near.colors.len() <= COLORS_MAX, "{}", near.colors.len());
        for (color, at) in many.iter().zip(&near.pixels) {
            let shown = near.colors[usize::from(*at)];
            let off = color.iter().zip(shown).map(|(a, b)| a.abs_diff(b)).max();
            assert!(off <= Some(8), "{color:?} became {shown:?}");
        }
    }

    /// Claim: a picture of one colour, and one without pixels, have a palette too.
    #[test]
    fn plain_pictures_are_plain() {
        assert_eq!(Indexed::of(&[[9; 3]; 4]).colors, [[9; 3]]);
        assert!(Indexed::of(&[]).pixels.is_empty());
    }
}
