//! Minds with needs: they explore, remember where food is, fetch and eat it, and rest.
//!
//! Invariant: a portion is eaten by one mind, because each item has one owner that answers what minds ask of it. Each
//! system decides by the last frame. Enemies and ways around obstacles are left out.

mod live;
mod noise;
mod think;

pub use live::{move_bodies, note_seen, satisfy_needs, serve_items};
pub use noise::{move_noise, noise};
pub use think::{Sight, think_all};
