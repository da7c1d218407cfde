//! The stored catalog: what older builds wrote is read, and what transient types add to it.

use super::*;

fn entry(name: &str, row: RowKind, transient: bool) -> TypeEntry {
    TypeEntry { name: name.to_owned(), version: 3, row, layout: 9, transient }
}

#[test]
fn a_catalog_from_before_transient_types_has_none() -> Result<(), StoreError> {
    // Goal: kinds 1 and 2 mean what they meant. Method: the fields as the first format wrote them.
    let mut fields = Fields::default();
    fields.count(2);
    fields.text("a").u32(3).u8(1).u32(12).u64(9);
    fields.text("b").u32(3).u8(2).u32(0).u64(9);
    let old = fields.finish();
    let expected = [entry("a", RowKind::Fixed(12), false), entry("b", RowKind::Variable, false)];
    assert_eq!(decode(&old)?, expected);
    assert_eq!(encode(&expected), old, "types that are not transient are stored as before");
    Ok(())
}

#[test]
fn a_transient_type_is_bit_seven_of_the_kind() -> Result<(), StoreError> {
    // Goal: both kinds come back, an older build refuses them (129 and 130 are no kinds), others are refused.
    let types = [entry("a", RowKind::Fixed(12), true), entry("b", RowKind::Variable, true)];
    let bytes = encode(&types);
    // Count, length of the name, the name, version: then the kind.
    assert_eq!(bytes[8 + 8 + 1 + 4], 0x81);
    assert_eq!(decode(&bytes)?, types);
    assert_eq!(transient_keys(&types).into_iter().collect::<Vec<_>>(), [0, 1]);
    for kind in [0, 3, 0x40, 0x80, 0x83] {
        let mut fields = Fields::default();
        fields.count(1).text("a").u32(3).u8(kind).u32(12).u64(9);
        let message = decode(&fields.finish()).map_or_else(|error| error.to_string(), |_| String::new());
        assert!(message.contains(&format!("{kind} is no kind of row")), "kind {kind}: {message}");
    }
    Ok(())
}
