//! Any bytes at all are a map of a grid, a change of one, or an error; what is read has those bytes, and a change of size is
//! one that a grid can have.
#![no_main]

use diptych_components::canonical::Canonical;
use diptych_components::fields::Fields;
use diptych_components::life;
use diptych_engine::Codec;
use diptych_systems::grid::{GridChange, GridCodec, GridMap, Tile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut fields = Fields(bytes);
    if let Ok(map) = GridMap::<life::Tile>::read(&mut fields) {
        let (mut again, taken) = (Vec::new(), bytes.len() - fields.0.len());
        map.put(&mut again);
        assert_eq!(again, bytes[..taken]);
        let (tile, column, row) = map.place(-1, i32::MAX);
        let spot = map.spot(tile);
        assert!(column < spot.width as usize && row < spot.height as usize);
        assert_eq!(map.tile(map.id(tile)), Some(tile));
    }
    if let Ok(change) = <GridCodec as Codec<GridChange<life::Tile>>>::decode(bytes) {
        let mut again = Vec::new();
        GridCodec::encode(&change, &mut again);
        assert_eq!(again, bytes);
        if let GridChange::Resize { width, height } = change {
            assert!(GridMap::<life::Tile>::new(width, height, 0).is_ok());
        }
    }
    if let Ok(change) = <GridCodec as Codec<GridChange<Tile<u16, 8>>>>::decode(bytes) {
        let mut again = Vec::new();
        GridCodec::encode(&change, &mut again);
        assert_eq!(again, bytes);
    }
});
