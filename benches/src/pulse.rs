//! Frame times over hours: the time from one wave to the next, in buckets that somebody else empties now and then.
//!
//! Invariant: costs a clock and an addition a frame, and no memory that grows. A bucket is a sixteenth of an octave, so
//! a quantile is right to 6 %. Left out: single frames.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Buckets an octave.
const PARTS: u64 = 16;
/// Up to an hour, in nanoseconds.
const BUCKETS: usize = 42 * PARTS as usize;

/// Counts frames by their time; cheap to clone, moved into a system.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    epoch: Instant,
    last: AtomicU64,
    counts: Vec<AtomicU64>,
}

impl Default for Pulse {
    fn default() -> Self {
        let counts = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Inner { epoch: Instant::now(), last: AtomicU64::new(0), counts }))
    }
}

impl Pulse {
    /// To be called by a system in every frame, as the first thing of the wave.
    // Relaxed everywhere: one system calls it, and a count that is read a frame late is still one.
    pub fn tick(&self) {
        let now = self.0.epoch.elapsed().as_nanos() as u64;
        let last = self.0.last.swap(now, Ordering::Relaxed);
        if last > 0 {
            self.0.counts[bucket(now - last)].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The quantiles of the frames since the last call, in microseconds, and how many those are.
    pub fn take(&self, quantiles: &[f64]) -> (Vec<f64>, u64) {
        let counts: Vec<u64> = self.0.counts.iter().map(|count| count.swap(0, Ordering::Relaxed)).collect();
        let all: u64 = counts.iter().sum();
        let at = |quantile: f64| {
            let wanted = (all as f64 * quantile).ceil() as u64;
            let mut seen = 0;
            let place = counts.iter().position(|count| {
                seen += count;
                seen >= wanted.max(1)
            });
            place.map_or(0.0, |place| middle(place) / 1000.0)
        };
        (quantiles.iter().map(|quantile| at(*quantile)).collect(), all)
    }
}

/// The place of a time: its highest bit, and the four bits behind that.
fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(PARTS);
    let octave = nanos.ilog2();
    let part = (nanos >> (octave - PARTS.ilog2())) % PARTS;
    (u64::from(octave) * PARTS + part).min(BUCKETS as u64 - 1) as usize
}

/// The nanoseconds in the middle of a bucket.
fn middle(place: usize) -> f64 {
    let (octave, part) = (place as u64 / PARTS, place as u64 % PARTS);
    (1_u64 << octave) as f64 * (PARTS as f64 + part as f64 + 0.5) / PARTS as f64
}

/// Values over time as one line of bars, the largest as the highest.
pub fn bars(values: &[f64]) -> String {
    let most = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let bar = |value: &f64| char::from_u32(0x2581 + (value / most * 7.0) as u32).unwrap_or(' ');
    values.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: a quantile is the time of its frame, to a bucket's width, and taking begins anew.
    #[test]
    fn quantiles_are_those_of_the_frames() {
        let pulse = Pulse::default();
        for nanos in 1..=1000_u64 {
            pulse.0.counts[bucket(nanos * 1000)].fetch_add(1, Ordering::Relaxed);
        }
        let (found, all) = pulse.take(&[0.5, 0.99]);
        assert_eq!(all, 1000);
        assert!((found[0] / 500.0 - 1.0).abs() < 0.05 && (found[1] / 990.0 - 1.0).abs() < 0.05, "{found:?}");
        assert_eq!(pulse.take(&[0.5]), (vec![0.0], 0));
        assert_eq!(bars(&[0.0, 7.0]).chars().count(), 2);
    }
}
