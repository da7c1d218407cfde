//! The reader against files as they are published and as they are broken.

use super::super::{Pattern, PatternFault, Run, Shown};
use super::Rule;

fn read(text: &str) -> Pattern {
    Pattern::parse("p.rle", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(text: &[u8], line: u32, column: u32, fault: &PatternFault) {
    let error = Pattern::parse("p.rle", text).expect_err("a broken file");
    assert_eq!((error.line, error.column, &error.fault), (line, column, fault), "{error}");
    assert!(error.to_string().starts_with(&format!("p.rle: line {line}, column {column}: ")), "{error}");
}

/// Claim: comments, carriage returns, a byte order mark, broken lines and text after `!` change nothing.
#[test]
fn layout_does_not_matter() {
    let plain = read("x = 3, y = 3, rule = B3/S23\nbob$2bo$3o!");
    let runs = [(1, 0, 1), (2, 1, 1), (0, 2, 3)].map(|(x, y, length)| Run { x, y, length });
    assert_eq!(plain.runs(), runs);
    for text in [
        "\u{feff}#N Glider\r\n#O Richard K. Guy\r\n#C caf\u{e9}\r\n#P -1 -1\r\nx = 3, y = 3, rule = B3/S23\r\nbob$2bo$3o!\r\n",
        "\n\nX=3,Y=3\nb\no\nb $ 2b o\n$\n2oo!! this is q noise\n#qqq",
        "#r 23/3\nx = 3 , y = 3\nbo$2\nbo$3o$!",
        "x = 3, y = 3\n#C between\nbob$\n#C and here\n2bo$3o!",
    ] {
        assert_eq!(read(text), plain, "{text}");
        assert_eq!(read(text).canonical_bytes(), plain.canonical_bytes());
    }
}

/// Claim: the header's rule wins over an `#r` line, and that over Conway's.
#[test]
fn rules_are_found() {
    assert_eq!(read("x = 0, y = 0\n!").rule(), Rule::CONWAY);
    assert_eq!(read("#r 23/36\nx = 1, y = 1\no!").rule().to_string(), "B36/S23");
    assert_eq!(read("#r 23/36\nx = 1, y = 1, rule = B2/S \no!").rule().to_string(), "B2/S");
    assert_eq!(read("x = 1, y = 1, rule = 125/36\no!").rule().to_string(), "B36/S125");
}

/// Claim: each way of being wrong is told apart, at the item that is wrong.
#[test]
fn faults_are_placed() {
    refused(b"x = 3, y = 3\nbob$2bq!", 2, 7, &PatternFault::Character(Shown(b'q')));
    refused(b"x = 3, y = 3\nbob$2q!", 2, 6, &PatternFault::Character(Shown(b'q')));
    refused(b"x = 3, y = 3\n\xff", 2, 1, &PatternFault::Character(Shown(0xff)));
    refused(b"#C c\nx = 3, y = 1\nb\n 3o!", 4, 2, &PatternFault::RowTooLong { row: 1, cells: 4, width: 3 });
    refused(b"x = 3, y = 1\n4b!", 2, 1, &PatternFault::RowTooLong { row: 1, cells: 4, width: 3 });
    refused(b"x = 3, y = 1\n3o$o!", 2, 4, &PatternFault::TooManyRows { height: 1 });
    refused(b"x = 3, y = 2\n3$!", 2, 1, &PatternFault::TooManyRows { height: 2 });
    refused(
        b"x = 3, y = 2\n99999999999999999999o!",
        2,
        1,
        &PatternFault::RowTooLong { row: 1, cells: u64::MAX, width: 3 },
    );
    refused(b"x = 3, y = 1\n0o!", 2, 1, &PatternFault::Count(0));
    refused(b"x = 3, y = 1\n2!", 2, 1, &PatternFault::Count(2));
    refused(b"x = 3, y = 1\n1\n2o!", 2, 1, &PatternFault::Count(1));
    refused(b"x = 3, y = 1\n3o", 2, 3, &PatternFault::NoEnd);
    refused(b"x = 3, y = 1\n3o\n", 3, 1, &PatternFault::NoEnd);
}

/// Claim: a missing or malformed header is told from a malformed size and a malformed rule.
#[test]
fn headers_are_checked() {
    refused(b"", 1, 1, &PatternFault::Header);
    refused(b"#N Nothing\n", 2, 1, &PatternFault::Header);
    refused(b"bob$2bo$3o!", 1, 1, &PatternFault::Header);
    refused(b"x : 3, y = 3\n!", 1, 1, &PatternFault::Header);
    refused(b"x = 3, z = 3\n!", 1, 7, &PatternFault::Header);
    refused(b"x = 3\n3o!", 1, 6, &PatternFault::Size("y"));
    refused(b"x = -3, y = 3\n!", 1, 1, &PatternFault::Size("x"));
    refused(b"x = 3, y = 65537\n!", 1, 7, &PatternFault::Size("y"));
    refused(b"x = 3, y = 3, colour = red\n!", 1, 14, &PatternFault::Header);
    for (text, column) in [("x = 3, y = 3, rule = B3/S9\n!", 22), ("x = 1, y = 1, rule=B3/S23:T9,9\no!", 20)]
    {
        let error = Pattern::parse("p.rle", text.as_bytes()).expect_err("no rule");
        assert_eq!((error.line, error.column), (1, column), "{error}");
    }
}

/// Claim: no bytes make the reader panic; every prefix and every single-byte change gives a pattern or a fault.
#[test]
fn any_bytes_are_answered() {
    let file = b"#r 23/3\nx = 36, y = 9, rule = B3/S23\n24bo$22bobo$12b2o6b2o!";
    for length in 0..file.len() {
        assert!(Pattern::parse("p.rle", &file[..length]).is_err(), "a prefix of {length} bytes has no !");
    }
    let mut answered = 0;
    for at in 0..file.len() {
        for byte in 0..=u8::MAX {
            let mut changed = *file;
            changed[at] = byte;
            answered += u32::from(Pattern::parse("p.rle", &changed).is_ok());
        }
    }
    assert!(answered > 0, "a changed comment is still a pattern");
}
