//! Smooth noise in three dimensions, and the vector that minds explore by.
//!
//! Invariant: pure, and the same bits on every machine: lattice points get their directions from a mixing of integers,
//! angles come from `libm`. The scheme is Perlin's improved noise of 2002 with another hash in place of its table.

use core::f64::consts::TAU;

/// Units of the length's noise.
const LENGTH_ZOOM: f64 = 50.0;
/// Where in the noise lengths are, so that they have nothing to do with angles.
const LENGTH_SHIFT: f64 = 40_000.0;
/// A frame in the noise's third dimension.
const FRAME: f64 = 1e-3;

/// A number between -1 and 1 that changes smoothly over about one unit and is 0 where all three are whole.
///
/// What is no number gives 0.
#[must_use]
pub fn noise(x: f64, y: f64, z: f64) -> f64 {
    if !(x.is_finite() && y.is_finite() && z.is_finite()) {
        return 0.0;
    }
    let (floors, parts) = ([x, y, z].map(f64::floor), [x - x.floor(), y - y.floor(), z - z.floor()]);
    // Far outside the lattice repeats its last point.
    let [i, j, k] = floors.map(|floor| floor as i64);
    let [u, v, w] = parts.map(|t| t * t * t * (t * (t * 6.0 - 15.0) + 10.0));
    let corner = |di: i64, dj: i64, dk: i64| {
        let away = [parts[0] - di as f64, parts[1] - dj as f64, parts[2] - dk as f64];
        slope(hash(i.wrapping_add(di), j.wrapping_add(dj), k.wrapping_add(dk)), away)
    };
    let mix = |t: f64, a: f64, b: f64| a + t * (b - a);
    let edge = |dj: i64, dk: i64| mix(u, corner(0, dj, dk), corner(1, dj, dk));
    mix(w, mix(v, edge(0, 0), edge(1, 0)), mix(v, edge(0, 1), edge(1, 1)))
}

/// The way by which a mind at a place looks for the next one: an angle by the noise over `zoom` times five units, and a
/// length of at most `force`.
#[must_use]
pub fn move_noise([x, y]: [f64; 2], frame: u64, zoom: f64, force: f64) -> [f64; 2] {
    let time = frame as f64 * FRAME;
    let angle = noise(x / zoom / 5.0, y / zoom / 5.0, time) * TAU;
    let length = noise(x / LENGTH_ZOOM + LENGTH_SHIFT, y / LENGTH_ZOOM + LENGTH_SHIFT, time) * force;
    [libm::cos(angle) * length, libm::sin(angle) * length]
}

fn hash(i: i64, j: i64, k: i64) -> u64 {
    let mut z = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for more in [j, k] {
        z = (z ^ (z >> 29) ^ more as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    }
    z ^ (z >> 32)
}

/// The product with one of the twelve directions to the middles of a cube's edges.
fn slope(hash: u64, [x, y, z]: [f64; 3]) -> f64 {
    let direction = (hash >> 40) % 12;
    let (a, b) = [(x, y), (x, z), (y, z)][direction as usize / 4];
    let a = if direction & 1 == 0 { a } else { -a };
    let b = if direction & 2 == 0 { b } else { -b };
    a + b
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: noise is bounded, continuous, nothing at whole numbers, and takes both signs about as often.
    #[test]
    fn noise_is_smooth() {
        let (mut positive, mut greatest) = (0, 0.0_f64);
        for n in 0..4000_i32 {
            let at = |shift: f64| noise(f64::from(n) * 0.37 - 500.0 + shift, f64::from(n) * 0.11, 0.3);
            let here = at(0.0);
            assert!((at(1e-6) - here).abs() < 1e-5, "a jump at {n}");
            positive += i32::from(here > 0.0);
            greatest = greatest.max(here.abs());
        }
        assert!((1600..2400).contains(&positive), "{positive} of 4000 above 0");
        assert!((0.5..=1.0).contains(&greatest), "{greatest}");
        assert_eq!((noise(3.0, -7.0, 12.0), noise(f64::NAN, 0.0, 0.0)), (0.0, 0.0));
    }

    /// Claim: a way is never longer than the force, and time changes it.
    #[test]
    fn ways_are_bounded() {
        for n in 0..1000_i32 {
            let way = |frame| move_noise([f64::from(n) * 13.7, f64::from(n) * 5.1], frame, 64.0, 16.0);
            let [x, y] = way(77);
            assert!(x * x + y * y <= 256.0);
        }
        assert_ne!(move_noise([5.5, 7.5], 1, 64.0, 16.0), move_noise([5.5, 7.5], 500, 64.0, 16.0));
    }
}
