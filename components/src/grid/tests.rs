//! Maps against plain arithmetic on coordinates, on tori of any size.

use super::{Cells, GRID_BYTES_MAX, GRID_SIDE_MAX, GridMap, Tile, around};
use crate::canonical::Canonical;
use crate::fields::Fields;
use bytemuck::Zeroable;

type Map = GridMap<Tile<u8, 3>>;

fn map(width: u32, height: u32) -> Map {
    Map::new(width, height, 5).unwrap_or_else(|error| panic!("{error}"))
}

/// Claim: what lies around a tile is found by going there, one step at a time, on tori of any size.
#[test]
fn neighbours_are_a_step_away() {
    for (columns, rows) in [(1, 1), (2, 1), (1, 3), (2, 2), (3, 5), (7, 4)] {
        for tile in 0..columns * rows {
            let (column, row) = ((tile % columns) as i32, (tile / columns) as i32);
            let steps = [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)];
            let expected = steps.map(|(dx, dy)| {
                let row = (row + dy).rem_euclid(rows as i32) as u32;
                row * columns + (column + dx).rem_euclid(columns as i32) as u32
            });
            assert_eq!(around(columns, rows, tile), expected, "tile {tile} of {columns}x{rows}");
        }
    }
}

/// Claim: each cell has one place, inside the part of its tile that is grid, and all such places are taken.
#[test]
fn tiles_cover_the_torus() {
    for (width, height) in [(12, 6), (1, 1), (3, 5), (13, 7), (2, 9), (4, 1)] {
        let map = map(width, height);
        let mut places: Vec<_> = (0..height as i32)
            .flat_map(|y| (0..width as i32).map(move |x| (x, y)))
            .map(|(x, y)| map.place(x, y))
            .collect();
        for (x, y) in [(0, 0), (11, 5), (-1, -1), (12, 6), (i32::MIN, i32::MAX)] {
            let (tile, column, row) = map.place(x, y);
            let spot = map.spot(tile);
            assert!(column < spot.width as usize && row < spot.height as usize, "{x},{y}: {spot:?}");
            let at = (i64::from(spot.x) + column as i64, i64::from(spot.y) + row as i64);
            let wrapped = |at: i32, side: u32| i64::from(at).rem_euclid(i64::from(side));
            assert_eq!(at, (wrapped(x, width), wrapped(y, height)), "{x},{y} on {width}x{height}");
        }
        places.sort_unstable();
        places.dedup();
        let parts: u32 =
            (0..map.tiles()).map(|tile| map.spot(tile)).map(|spot| spot.width * spot.height).sum();
        assert_eq!((places.len(), parts), ((width * height) as usize, width * height));
    }
}

/// Claim: a tile's spot knows how far the grid reaches in the tiles west and north of it, also where that is the tile
/// itself; tiles and `Id`s lead to each other.
#[test]
fn spots_know_their_edges() {
    let large = map(13, 7);
    assert_eq!(
        (large.tiles(), large.id(7), large.tile(12), large.tile(4), large.tile(20)),
        (15, 12, Some(7), None, None)
    );
    for tile in 0..large.tiles() {
        let ([_, north, _, west, ..], spot) = (large.around(tile), large.spot(tile));
        assert_eq!((spot.west_width, spot.north_height), (large.spot(west).width, large.spot(north).height));
        assert_eq!(large.tile(large.id(tile)), Some(tile));
    }
    let spot = map(2, 1).spot(0);
    assert_eq!((spot.width, spot.height, spot.west_width, spot.north_height), (2, 1, 2, 1));
}

/// Claim: empty and too large sizes are refused, from bytes too, and the largest are not.
#[test]
fn sizes_are_checked() {
    let over = GRID_SIDE_MAX + 1;
    for (width, height) in [(0, 3), (3, 0), (over, 1), (1, over), (3 << 14, 3 << 14), (u32::MAX, u32::MAX)] {
        let error = Map::new(width, height, 0).expect_err("no size").to_string();
        assert!(error.contains(&format!("{width} by {height}")), "{error}");
        let mut bytes = Vec::new();
        (width, (height, 0_u64)).put(&mut bytes);
        assert!(Map::read(&mut Fields(&bytes)).is_err());
    }
    assert!(Map::new(3, 3, u64::MAX).is_err());
    // Of tiles of 32 KiB 2^15 are as many as there may be.
    type Wide = GridMap<Tile<[u64; 64], 8>>;
    assert!(Wide::new(2048, 1024, 0).is_ok_and(|map| u64::from(map.tiles()) << 15 == GRID_BYTES_MAX));
    assert!(Wide::new(2048, 1025, 0).is_err());
    assert!(GridMap::<Tile<u8, 16>>::new(GRID_SIDE_MAX, GRID_SIDE_MAX / 4, 0).is_ok());
    assert_eq!(GridMap::<Tile<f32, 128>>::SIDE, 128);
    let map = map(29, 7);
    let mut bytes = Vec::new();
    map.put(&mut bytes);
    assert_eq!(GridMap::read(&mut Fields(&bytes)), Ok(map));
}

/// Claim: a cut zeroes what is outside and nothing else.
#[test]
fn cuts_leave_the_inside() {
    for (width, height) in [(0, 3), (3, 0), (1, 1), (2, 3), (3, 2), (3, 3)] {
        let mut tile = Tile::<u8, 3> { cells: [[9; 3]; 3] };
        tile.cut(width, height);
        let mut expected = Tile::<u8, 3>::zeroed();
        for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
            expected.set(column as usize, row as usize, 9);
        }
        assert_eq!(tile, expected, "{width}x{height}");
    }
}
