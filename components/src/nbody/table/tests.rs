//! Tables of bodies as people write them, and as they get them wrong.

use super::super::Bodies;
use super::{BODIES_MAX, BodiesFault};

const HEADER: &str = "name,mass,x,y,z,vx,vy,vz\n";

#[track_caller]
fn refused(text: &str, line: u64, column: &str, fault: &BodiesFault) {
    let error = Bodies::parse("b.csv", text.as_bytes()).expect_err("a broken file");
    assert_eq!((error.line, error.column.as_str(), &error.fault), (line, column, fault), "{error}");
    assert!(error.to_string().starts_with(&format!("b.csv: line {line}, column {column}: ")), "{error}");
}

fn with_header(rows: &str) -> String {
    format!("{HEADER}{rows}")
}

/// Claim: order of columns, blanks, comments, quotes and line ends change nothing.
#[test]
fn layout_does_not_matter() {
    let plain = Bodies::parse("b.csv", with_header("A B,1,2,3,4,5,6,7\nC,0,-2,3e0,4,5,6,7\n").as_bytes());
    let plain = plain.unwrap_or_else(|error| panic!("{error}"));
    for text in [
        "\u{feff}name,mass,x,y,z,vx,vy,vz\r\n\"A B\",1,2,3,4,5,6,7\r\nC,0,-2,3,4,5,6,7",
        "# by hand\n\nname , mass, x, y, z, vx, vy, vz\n\n A B , 1.0, 2, 3, 4, 5, 6, 7\n   \n# and\nC,0.0,-2,3,4,5,6,7\n\n",
        "vz,vy,vx,z,y,x,mass,name\n7,6,5,4,3,2,1,A B\n7,6,5,4,3,-2,0,C\n",
    ] {
        let read = Bodies::parse("b.csv", text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read.canonical_bytes(), plain.canonical_bytes(), "{text}");
    }
}

/// Claim: a header that lacks a column, names one twice or an unknown one is refused by that column's name.
#[test]
fn headers_are_checked() {
    refused("", 1, "name", &BodiesFault::NoHeader);
    refused("# nothing\n", 1, "name", &BodiesFault::NoHeader);
    refused("name,mass,x,y,z,vx,vy\nA,1,2,3,4,5,6\n", 1, "vz", &BodiesFault::MissingColumn);
    refused("\n# c\nname,x,y,z,vx,vy,vz\nA,2,3,4,5,6,7\n", 3, "mass", &BodiesFault::MissingColumn);
    refused("name,mass,x,x,y,z,vx,vy,vz\n", 1, "x", &BodiesFault::TwiceNamed);
    refused("name,mass,x,y,z,vx,vy,vz,radius\n", 1, "radius", &BodiesFault::UnknownColumn);
    refused("name,mass,x,y,z,vx,vy,vz,\n", 1, "9", &BodiesFault::UnknownColumn);
    refused(HEADER, 1, "name", &BodiesFault::NoBody);
}

/// Claim: a wrong field is named by its line, behind comments and blank lines too, and its column.
#[test]
fn fields_are_checked() {
    for (text, fault) in [
        ("nan", BodiesFault::NotFinite("nan".into())),
        ("-inf", BodiesFault::NotFinite("-inf".into())),
        ("1e999", BodiesFault::NotFinite("1e999".into())),
        ("one", BodiesFault::Number("one".into())),
        ("1,5", BodiesFault::Fields { fields: 9 }),
        ("", BodiesFault::Empty),
    ] {
        let column = if fault == (BodiesFault::Fields { fields: 9 }) { "vz" } else { "vy" };
        refused(&with_header(&format!("\n# c\n\nA,1,2,3,4,5,{text},7\n")), 5, column, &fault);
        refused(&with_header(&format!("B,1,0,0,0,0,0,0\n\n#\nA,1,2,3,4,5,{text},7")), 5, column, &fault);
    }
    refused(&with_header("A,-1,2,3,4,5,6,7\n"), 2, "mass", &BodiesFault::NegativeMass("-1".into()));
    refused(&with_header("A,1,2,3,4\n"), 2, "vx", &BodiesFault::Fields { fields: 5 });
    refused(&with_header(",1,2,3,4,5,6,7\n"), 2, "name", &BodiesFault::Empty);
    refused(
        &with_header(&format!("{},1,2,3,4,5,6,7\n", "n".repeat(300))),
        2,
        "name",
        &BodiesFault::LongName(300),
    );
}

/// Claim: bodies that cannot be told apart, or whose pull has no direction, are refused naming both lines.
#[test]
fn twins_are_refused() {
    let rows = "A,1,0,0,0,0,0,0\nB,1,1,0,0,0,0,0\n# c\n";
    refused(&with_header(&format!("{rows}A,1,2,0,0,0,0,0\n")), 5, "name", &BodiesFault::SameName(2));
    refused(&with_header(&format!("{rows}C,1,-0.0,0,-0,1,0,0\n")), 5, "x", &BodiesFault::SamePlace(2));
}

/// Claim: the limit on bodies holds, and bytes that are no text are answered.
#[test]
fn limits_hold() {
    let rows: String = (0..=BODIES_MAX).map(|i| format!("{i},1,{i},0,0,0,0,0\n")).collect();
    refused(&with_header(&rows), BODIES_MAX as u64 + 2, "name", &BodiesFault::TooMany);
    let mut bytes = with_header("A,1,0,0,0,0,0,0\n").into_bytes();
    bytes.extend(b"\xff\xfe,1,1,0,0,0,0,0\n");
    let error = Bodies::parse("b.csv", &bytes).expect_err("no text");
    assert_eq!((error.line, error.fault), (3, BodiesFault::NotText));
}
