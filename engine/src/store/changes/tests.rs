//! Changes of names: chains, dropped columns, tables that become one, marks and notes that follow.

use super::*;
use crate::store::{Column, Mark};

fn entry(name: &str, row: RowKind) -> TypeEntry {
    TypeEntry { name: name.to_owned(), version: 1, row, layout: 0, transient: false }
}

fn changes(renamed: &[(&str, &str)], dropped: &[&str]) -> TypeChanges {
    TypeChanges {
        renamed: renamed.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect(),
        dropped: dropped.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[test]
fn a_chain_of_renames_ends_in_the_name_of_today_or_in_nothing() {
    let changes = changes(&[("a", "b"), ("b", "c"), ("x", "y")], &["y", "mail"]);
    assert_eq!(
        ["a", "b", "c", "d"].map(|name| changes.name_now(name)),
        [Some("c"), Some("c"), Some("c"), Some("d")]
    );
    assert_eq!((changes.name_now("x"), changes.name_now("mail")), (None, None));
    assert_eq!(changes.note_now("message a").as_deref(), Some("message c"));
    assert_eq!(changes.note_now("message mail"), None);
    assert_eq!(changes.note_now("jobs").as_deref(), Some("jobs"));
}

#[test]
fn tables_that_become_equal_are_one_and_marks_follow_their_rows() {
    // Goal: rows in stored order whatever the order of their columns, and a mark still names its row.
    let fixed = |rows: &[u8]| Column::Fixed { size: 1, bytes: rows.to_vec() };
    let words = |rows: &[&[u8]]| Column::Variable { blobs: rows.iter().map(|row| Box::from(*row)).collect() };
    let table = |types: &[u16], rows, columns| RecoveredTable { types: types.to_vec(), rows, columns };
    let mut recovered = Recovered {
        frame: 9,
        dt: 0.5,
        tables: vec![
            table(&[1, 2], 2, vec![fixed(&[1, 2]), words(&[b"a", b"b"])]),
            table(&[3], 1, vec![fixed(&[7])]),
            table(&[2, 3, 1], 1, vec![words(&[b"c"]), fixed(&[8]), fixed(&[3])]),
        ],
        marks: vec![
            MarkedRows { key: 1, table: 2, first_row: 0, count: 1, mark: Mark::Changed },
            MarkedRows { key: 3, table: 1, first_row: 0, count: 1, mark: Mark::Added },
        ],
        removed: BTreeMap::from([(3, vec![5]), (1, vec![6])]),
        notes: BTreeMap::from([("message mail".to_owned(), vec![1])]),
        serials: BTreeMap::new(),
        digest: None,
        stored_types: Vec::new(),
        repaired: None,
        digest_former: None,
        tail: None,
        link: None,
    };
    let types = ["id", "a", "b", ""].map(|name| entry(name, RowKind::Fixed(1)));
    recovered.change(&changes(&[("mail", "post")], &["gone"]), &types);
    let expected =
        [table(&[1, 2], 3, vec![fixed(&[1, 2, 3]), words(&[b"a", b"b", b"c"])]), table(&[], 1, Vec::new())];
    assert_eq!(recovered.tables, expected);
    let marked = MarkedRows { key: 1, table: 0, first_row: 2, count: 1, mark: Mark::Changed };
    assert_eq!(recovered.marks, [marked]);
    assert_eq!(recovered.removed, BTreeMap::from([(1, vec![6])]));
    assert_eq!(recovered.notes, BTreeMap::from([("message post".to_owned(), vec![1])]));
}
