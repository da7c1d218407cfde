//! Randomness without state: a stream for each (seed, step, system name, `Id`). A step's streams do not know how
//! many still frames came before it, so those change no simulation; each still frame has streams of its own.
//!
//! Invariant: what a stream gives depends on its four keys alone, so it is the same on any thread, in any
//! order, and at a replay. The generator is SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom
//! number generators", OOPSLA 2014) started at a hash of the keys; it is not for secrets.

use super::shared_param;
use crate::id::{Id, SystemKey};
use crate::registry::Registry;
use crate::shared::{Shared, Time};
use std::sync::Arc;

/// Tells the streams of still frames from those of steps.
const STILL_BIT: u64 = 1 << 63;

/// Gives a system its random streams.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Mood(f64);
/// fn wander(mut moods: Query<(Id, Next<Mood>)>, random: Random) {
///     for (id, mut mood) in &mut moods {
///         mood.set(Mood(random.of(id).unit()));
///     }
/// }
/// # let _ = wander;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Random {
    time: Time,
    still: bool,
    system: SystemKey,
}

impl Random {
    /// The stream of an entity in this frame and system; the same in a world with other still frames.
    pub fn of(&self, id: Id) -> Stream {
        self.stream(id.bits())
    }

    /// The number of the step, or of the still frame with a bit that no step has.
    fn moment(&self) -> u64 {
        if self.still { self.time.frame | STILL_BIT } else { self.time.frame - self.time.still }
    }

    /// A stream of the system itself, told apart by `key`.
    pub fn stream(&self, key: u64) -> Stream {
        let mut bytes = [0; 28];
        bytes[..8].copy_from_slice(&self.time.seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.moment().to_le_bytes());
        bytes[16..24].copy_from_slice(&key.to_le_bytes());
        bytes[24..].copy_from_slice(&self.system.0.to_le_bytes());
        Stream(xxhash_rust::xxh3::xxh3_64(&bytes))
    }
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(u64);

impl Stream {
    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0.0..1.0`, of 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A number below `bound`; its bias is below `bound / 2^64`.
    ///
    /// # Panics
    /// When `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below 0");
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }
}

shared_param!(
    Random,
    Random,
    (Arc<Shared>, SystemKey),
    |world| {
        let registry = world.resource::<Registry>();
        (registry.shared.clone(), registry.building().1)
    },
    |state| Random { time: *state.0.time.get(), still: state.0.is_still(), system: state.1 }
);
