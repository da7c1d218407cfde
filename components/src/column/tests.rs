//! Pairs of columns: whose memory they are, what is brought over, and their bytes.

use super::{COLUMN_BYTES_MAX, Column, ColumnPair, check};
use crate::canonical::Canonical;
use crate::fields::Fields;

fn column(rows: Vec<u64>) -> Column<u64> {
    Column::new(rows).unwrap_or_else(|error| panic!("{error}"))
}

/// Claim: two buffers change places for ever, whether rows are set one by one or all at once; nothing else is allocated.
#[test]
fn two_buffers_change_places() {
    let mut pair: [Column<u64>; 2] = [column((0..100).collect()), Column::default()];
    let mut places = Vec::new();
    for round in 0..40_u64 {
        let [prev, spare] = pair;
        let mut work = ColumnPair::new(&prev, spare);
        if round % 3 == 0 {
            let (prev, next) = work.split();
            next.iter_mut().zip(prev).for_each(|(next, prev)| *next = prev + 1);
        } else {
            work.set((round * 7 % 100) as usize, round);
        }
        let next = work.finish().unwrap_or_else(|| panic!("a row was set"));
        places.push(next.rows().as_ptr());
        pair = [next, prev];
    }
    assert!(places[0] != places[1] && places.chunks(2).all(|two| two == &places[..2]), "{places:?}");
}

/// Claim: what is finished is what a plain list says, whatever the spare buffer was: that of the column before, one that
/// somebody holds, one of another length, one of another column.
#[test]
fn equals_a_plain_list() {
    let mut plain: Vec<u64> = (0..77).collect();
    let mut pair = [column(plain.clone()), Column::default()];
    let mut held = Vec::new();
    for round in 1..400_u64 {
        let [prev, spare] = pair;
        let spare = match round % 11 {
            3 => Column::default(),
            5 => column(vec![9; 200]),
            7 => column(vec![8; 77]),
            _ => spare,
        };
        let mut work = ColumnPair::new(&prev, spare);
        let mut rows: Vec<usize> = (0..round % 5).map(|n| (n * 13 + round * 29) as usize % 77).collect();
        for row in &rows {
            work.set(*row, round + *row as u64);
            plain[*row] = round + *row as u64;
        }
        if round % 17 == 0 {
            work.split().1.copy_from_slice(&plain);
            rows = (0..77).collect();
        }
        rows.sort_unstable();
        rows.dedup();
        pair = match work.finish() {
            Some(next) => {
                assert_eq!(next.changed().collect::<Vec<_>>(), rows, "round {round}");
                [next, prev]
            }
            None => {
                assert!(rows.is_empty());
                [prev, Column::default()]
            }
        };
        assert_eq!(pair[0].rows(), plain, "round {round}");
        if round % 13 == 0 {
            held.push((pair[0].clone(), plain.clone()));
        }
    }
    assert!(held.iter().all(|(column, then)| column.rows() == then), "what somebody holds is not written");
}

/// Claim: a column comes back from its bytes and from nothing else; marks beyond its rows and a count beyond its bytes are
/// refused; a NaN is equal to itself.
#[test]
fn bytes_come_back() {
    let mut work = ColumnPair::new(&column((0..11).collect()), Column::default());
    work.set(10, 7);
    let column = work.finish().unwrap_or_else(|| panic!("a row was set"));
    let mut bytes = Vec::new();
    column.put(&mut bytes);
    assert_eq!(Column::read(&mut Fields(&bytes)), Ok(column.clone()));
    for end in 0..bytes.len() {
        assert!(Column::<u64>::read(&mut Fields(&bytes[..end])).is_err(), "{end}");
    }
    *bytes.last_mut().unwrap_or_else(|| panic!("there are bytes")) |= 0x80;
    assert!(Column::<u64>::read(&mut Fields(&bytes)).is_err());
    assert!(Column::<u64>::read(&mut Fields(&[255, 255, 255, 255, 0])).is_err());
    let nan = Column::new(vec![f64::NAN]).unwrap_or_else(|error| panic!("{error}"));
    let mut bytes = Vec::new();
    nan.put(&mut bytes);
    assert_eq!(Column::read(&mut Fields(&bytes)), Ok(nan));
    assert!(check(COLUMN_BYTES_MAX / 8 + 1, 8).is_err() && check(usize::MAX, 8).is_err());
    assert!(check(COLUMN_BYTES_MAX / 8, 8).is_ok());
}
