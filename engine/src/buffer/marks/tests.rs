//! What the marks of a table must keep through writes and moves.

use super::*;

const STAMP: u8 = 5 << 2;

fn runs(marks: &TableMarks) -> Vec<(Range<usize>, Kind)> {
    let mut runs = Vec::new();
    marks.changed_runs(0, STAMP, |range, kind| runs.push((range, kind)));
    runs
}

fn filled(rows: usize) -> TableMarks {
    let mut marks = TableMarks::default();
    for _ in 0..rows {
        marks.push_many(0, 1, Kind::Untouched, STAMP);
    }
    marks
}

/// A table whose every row was set says so at once, and one more row does not become "set".
#[test]
fn all_rows_then_one_untouched() {
    let mut marks = filled(1000);
    marks.sides[0].marks.iter().for_each(|mark| mark.store(STAMP | 1, Ordering::Relaxed));
    marks.sides[0].scanned.store(STAMP, Ordering::Relaxed);
    marks.resolve(0, STAMP);
    assert!(marks.sides[0].is_all(STAMP));
    marks.push_many(0, 1, Kind::Untouched, STAMP);
    assert_eq!(runs(&marks), [(0..1000, Kind::Changed)]);
    assert_eq!(marks.kind(0, 1000, STAMP), Kind::Untouched);
    marks.swap_remove(0, 3, STAMP);
    assert_eq!(runs(&marks), [(0..3, Kind::Changed), (4..1000, Kind::Changed)]);
}

/// The mark of the last row goes with it into the hole, whatever the pages' classes were.
#[test]
fn swap_remove_takes_the_mark_along() {
    let mut marks = filled(600);
    marks.set_kind(0, 599, Kind::Added, STAMP);
    marks.swap_remove(0, 10, STAMP);
    assert_eq!(runs(&marks), [(10..11, Kind::Added)]);
    marks.swap_remove(0, 10, STAMP);
    assert_eq!(runs(&marks), []);
    assert_eq!(marks.rows, 598);
}

/// Carried rows are covered and not changed; a stale stamp is neither.
#[test]
fn carried_is_coverage_only() {
    let marks = filled(300);
    marks.set_kind(0, 7, Kind::Carried, STAMP);
    marks.set_kind(0, 8, Kind::Changed, STAMP);
    marks.resolve(0, STAMP);
    assert_eq!(runs(&marks), [(8..9, Kind::Changed)]);
    assert_eq!(marks.coverage(0, STAMP), (2, Some(0)));
    assert_eq!(marks.coverage(0, STAMP + 4), (0, Some(0)));
}

/// Marks that were read as runs and are put back under another stamp say the same, and nothing older does.
#[test]
fn runs_that_are_put_back_are_read_back() {
    const NEW: u8 = 6 << 2;
    let mut marks = filled(400);
    (64..200).for_each(|row| marks.set_kind(0, row, Kind::Changed, STAMP));
    [3, 5, 200, 399].iter().for_each(|row| marks.set_kind(0, *row, Kind::Added, STAMP));
    marks.resolve(0, STAMP);
    let before = runs(&marks);
    assert_eq!(before.len(), 5);
    before.iter().for_each(|(rows, kind)| marks.set_run(0, rows.clone(), *kind, NEW));
    let read = |marks: &TableMarks| {
        let mut runs = Vec::new();
        marks.changed_runs(0, NEW, |range, kind| runs.push((range, kind)));
        runs
    };
    assert_eq!(read(&marks), before);
    // Rows at the end come and go without a mark.
    marks.set_rows(230);
    marks.set_rows(300);
    assert_eq!(marks.rows, 300);
    assert_eq!(read(&marks), before[..4]);
    let all = filled(300);
    all.set_run(0, 0..300, Kind::Changed, NEW);
    assert!(all.sides[0].is_all(NEW));
}
