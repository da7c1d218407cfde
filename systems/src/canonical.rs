//! The engine's door to state that has one encoding of its own.
//!
//! Invariant: what is read is what would be written again; bytes left over are refused.

use diptych_components::canonical::Canonical;
use diptych_components::fields::Fields;
use diptych_engine::{Codec, CodecError};

/// The codec of any [`Canonical`] type: `.state_with::<RankMap<u32, u64>, CanonicalCodec>("scores", 1)`.
///
/// ```
/// use diptych_components::rank::RankMap;
/// use diptych_engine::prelude::*;
/// use diptych_systems::canonical::CanonicalCodec;
///
/// /// Gives every player a point, and two to the one in front.
/// fn score(mut boards: Query<Next<RankMap<u64, String>>>) {
///     for mut board in &mut boards {
///         let next = RankMap::from_pairs(board.prev().iter().map(|(points, name)| (points + 1, name.clone())));
///         board.set(next);
///     }
/// }
/// let mut engine = Engine::in_memory()
///     .state_with::<RankMap<u64, String>, CanonicalCodec>("game.board", 1)
///     .system("game.score", score)
///     .setup("game", |world: &mut Structure<'_, '_>| {
///         world.spawn((RankMap::from_pairs([(3_u64, "ann".to_owned()), (5, "bob".to_owned())]),));
///     })
///     .build()
///     .unwrap();
/// engine.run(Pace::frames(10)).unwrap();
/// let board = engine.view().single::<RankMap<u64, String>>().unwrap();
/// assert_eq!((board.rank(&15), board.last()), (1, Some((&15, &"bob".to_owned()))));
/// ```
#[derive(Debug)]
pub struct CanonicalCodec;

impl<T: Canonical + Default> Codec<T> for CanonicalCodec {
    fn encode(value: &T, out: &mut Vec<u8>) {
        value.put(out);
    }

    fn decode(bytes: &[u8]) -> Result<T, CodecError> {
        let mut fields = Fields(bytes);
        let value = T::read(&mut fields).map_err(CodecError::new)?;
        fields.end().map_err(CodecError::new)?;
        Ok(value)
    }

    fn blank() -> Option<T> {
        Some(T::default())
    }
}

#[cfg(test)]
mod tests;
