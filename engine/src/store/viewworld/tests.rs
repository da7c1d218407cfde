//! What a delta may make of a view's memory.

use super::ViewWorld;
use crate::store::delta::{DeltaWriter, Link, Mark, seal};
use crate::store::{Image, Recovered, RowKind, StoreError, TypeEntry, WorldDelta, catalog};

/// A world without rows, whose one type is transient and as wide as is said.
fn view(size: u32) -> ViewWorld {
    let wide = TypeEntry {
        name: "wide".to_owned(),
        version: 1,
        row: RowKind::Fixed(size),
        layout: 0,
        transient: true,
    };
    let recovered = Recovered {
        frame: 3,
        dt: 0.5,
        tables: Vec::new(),
        marks: Vec::new(),
        removed: Default::default(),
        notes: Default::default(),
        serials: Default::default(),
        digest: None,
        stored_types: catalog::created(&[wide]),
        repaired: None,
        digest_former: None,
        tail: None,
        link: Some(Link::NONE),
    };
    ViewWorld::new(Image::new(recovered, Default::default()))
}

/// Adds that many rows, with `Id`s and nothing else.
fn adding(view: &ViewWorld, rows: u32) -> WorldDelta {
    let mut writer = DeltaWriter::default();
    writer.begin(Vec::new(), 4, 0.5);
    writer.table(0, &[0, 1]);
    writer.push(0, rows);
    let ids: Vec<u8> = (1..=u64::from(rows)).flat_map(u64::to_le_bytes).collect();
    writer.rows_fixed(0, 0, 0, rows, Mark::Added, &ids);
    let mut record = writer.finish().bytes;
    let target_link = seal(&mut record, Link::NONE);
    WorldDelta {
        source: 3,
        source_link: Link::NONE,
        target: 4,
        target_link,
        types: view.image().types().to_vec(),
        records: vec![record],
    }
}

/// A few bytes that announce rows of a quarter of a gibibyte each are refused, and not made; narrow ones are.
#[test]
fn wide_rows_that_nobody_sent_are_refused() -> Result<(), StoreError> {
    let mut wide = view(1 << 28);
    let refusal = wide.apply_delta(&adding(&wide, 4)).expect_err("a gibibyte").to_string();
    assert!(refusal.contains("operation 1 of frame 4") && refusal.contains("are the most"), "{refusal}");
    assert_eq!((wide.frame(), wide.image().entities()), (3, 0));
    let mut narrow = view(1 << 10);
    narrow.apply_delta(&adding(&narrow, 4))?;
    assert_eq!((narrow.frame(), narrow.image().entities()), (4, 4));
    Ok(())
}
