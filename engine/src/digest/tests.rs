//! Claims about the hash: what must show shows, and rows that are nearly alike have hashes that are not.
//!
//! Invariant: every draw is fixed, so a test that passes once passes always. Bounds are those of a random
//! function with room to spare.

use super::*;

#[test]
fn the_order_of_rows_and_components_does_not_matter_but_id_value_and_type_do() {
    let (a, b) = (type_seed("a"), type_seed("b"));
    let forwards = row_hash(a, 1, b"one").wrapping_add(row_hash(a, 2, b"two"));
    let backwards = row_hash(a, 2, b"two").wrapping_add(row_hash(a, 1, b"one"));
    assert_eq!(forwards, backwards);
    let swapped = row_hash(a, 2, b"one").wrapping_add(row_hash(a, 1, b"two"));
    assert_ne!(forwards, swapped, "two entities that exchange their values must show");
    assert_ne!(row_hash(a, 1, b"one"), row_hash(b, 1, b"one"), "the type must show");

    let one = ComponentDigest { name: "one", version: 1, sum: 7, rows: 1 };
    let two = ComponentDigest { name: "two", version: 1, sum: 9, rows: 2 };
    assert_eq!(world_digest(&mut [one, two]), world_digest(&mut [two, one]));
    let renamed = ComponentDigest { name: "uno", ..one };
    assert_ne!(world_digest(&mut [one, two]), world_digest(&mut [renamed, two]));
}

/// The hash is part of the stored format: these values never change.
#[test]
fn the_definition_stands() {
    let seed = 0x9876_5432_10FE_DCBA;
    let row: Vec<u8> = (0..200).collect();
    let made: Vec<String> = [0, 1, 8, 12, 16, 17, 24, 64, 128, 129, 200]
        .iter()
        .map(|bytes| format!("{:032x}", row_hash(seed, 0x1234_5000_0000_0007, &row[..*bytes])))
        .collect();
    assert_eq!(made, PINNED, "a digest that is stored could not be compared any more");
}

const PINNED: [&str; 11] = [
    "3d08535de9b8da6ee1a598a2ec4b906f",
    "bd7e02d0ce889a7f0c9aae743b16878f",
    "412b069e8c34a492574bce481f3ca23b",
    "ac926333cf8ebd2b1939e4c0f3304c87",
    "cd9435d3f830ecbfdca1f127108b877f",
    "2be33b4dacf982273c8ea2b272916390",
    "29fd76d8baa31e10d4018dbe36bbb28b",
    "5b511888d5d8da70dd7731b50258d192",
    "f10b24e41e21dc223c7fa8a00eb5e731",
    "11a75052c4eef40ba1a354c0e94eee7b",
    "955c59a9c90170ce17c85d45a164de38",
];

/// A row that ends differs from one that goes on with zeros.
#[test]
fn lengths_show() {
    let zeros = [0; 200];
    let mut seen: Vec<u128> = (0..=zeros.len()).map(|bytes| row_hash(1, 2, &zeros[..bytes])).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), zeros.len() + 1);
}

/// Turning one bit of a row or of its id turns each bit of the hash in about half of all cases.
#[test]
fn every_bit_turns_every_bit() {
    const TRIALS: u32 = 2000;
    let seed = type_seed("motion.position");
    for bytes in [8, 12, 16, 24, 48, 136] {
        for bit in 0..64 + bytes * 8 {
            let mut turned = [0_u32; 128];
            for trial in 0..TRIALS {
                let mut row = vec![0; bytes];
                row[..4].copy_from_slice(&(trial as f32).to_le_bytes());
                let id = 0xABCD_E000_0000_0000 + u64::from(trial);
                let before = row_hash(seed, id, &row);
                let id = if bit < 64 { id ^ 1 << bit } else { id };
                if let Some(place) = bit.checked_sub(64) {
                    row[place / 8] ^= 1 << (place % 8);
                }
                let differs = before ^ row_hash(seed, id, &row);
                (0..128).for_each(|out| turned[out] += (differs >> out & 1) as u32);
            }
            // Half, with more than seven standard deviations to either side.
            let (low, high) = (TRIALS / 2 - TRIALS / 12, TRIALS / 2 + TRIALS / 12);
            for (out, count) in turned.iter().enumerate() {
                assert!((low..high).contains(count), "{bytes} bytes, bit {bit} turns {out} in {count}");
            }
        }
    }
}

/// Rows that are nearly alike: no two hashes are equal in either half, and each quarter has about as many equal
/// pairs as random numbers have. The same for what a change adds to a sum, so that changes do not cancel out.
#[test]
fn rows_nearly_alike_do_not_collide() {
    const ROWS: u64 = 1 << 20;
    let seed = type_seed("motion.position");
    let base = 0xABCD_E000_0000_0000_u64;
    let row = |id: u64, first: u64, second: u64| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&first.to_le_bytes());
        bytes[8..].copy_from_slice(&second.to_le_bytes());
        row_hash(seed, id, &bytes)
    };
    let change = |id: u64, first: u64, second: u64| row(id, first, second).wrapping_sub(row(id, 0, 0));
    let cases: [(&str, &dyn Fn(u64) -> u128); 12] = [
        ("the same value on neighbours", &|n| row(base + n, 0, 0)),
        ("a counter on one entity", &|n| row(base, n, 0)),
        ("a counter behind it", &|n| row(base, 0, n)),
        ("high bits", &|n| row(base, n << 40, 0)),
        ("high bits behind", &|n| row(base, 0, n << 40)),
        ("its own id as value", &|n| row(base + n, base + n, 0)),
        ("numbers of many systems", &|n| row((n % 1024) << 44 | (n / 1024), 0, 0)),
        ("floats", &|n| row(base + n, u64::from((n as f32).to_bits()), 1.0_f64.to_bits())),
        ("a change by one", &|n| change(base + n, 1, 0)),
        ("a change by one behind", &|n| change(base + n, 0, 1)),
        ("a sign turned", &|n| change(base + n, 1 << 63, 0)),
        ("a sign turned behind", &|n| change(base + n, 0, 1 << 63)),
    ];
    // Equal pairs among so many random numbers of 32 bits: 128, give or take 11.
    let expected = (ROWS * ROWS / 2) >> 32;
    for (name, hash) in cases {
        let hashes: Vec<u128> = (0..ROWS).map(hash).collect();
        for half in [0, 64] {
            let mut part: Vec<u64> = hashes.iter().map(|hash| (hash >> half) as u64).collect();
            part.sort_unstable();
            assert!(part.windows(2).all(|pair| pair[0] != pair[1]), "{name}: equal in the half at {half}");
        }
        for quarter in [0, 32, 64, 96] {
            let mut part: Vec<u32> = hashes.iter().map(|hash| (hash >> quarter) as u32).collect();
            part.sort_unstable();
            let equal = part.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
            assert!((expected / 2..expected * 2).contains(&equal), "{name}: {equal} equal at {quarter}");
        }
    }
}

/// Two entities that exchange their values, and a unit that goes from one to the other, show in the sum.
#[test]
fn exchanges_show_in_sums() {
    let seed = type_seed("account.balance");
    let row = |id: u64, value: u64| row_hash(seed, id, &value.to_le_bytes());
    let mut sums = Vec::new();
    for (a, b) in (0..1000_u64).flat_map(|a| (a + 1..1000).map(move |b| (a, b))) {
        let before = row(a, 5 + a).wrapping_add(row(b, 5 + b));
        sums.push(row(a, 5 + b).wrapping_add(row(b, 5 + a)).wrapping_sub(before));
        sums.push(row(a, 6 + a).wrapping_add(row(b, 4 + b)).wrapping_sub(before));
    }
    assert!(!sums.contains(&0), "what was exchanged does not show");
    let count = sums.len();
    sums.sort_unstable();
    sums.dedup();
    // Neighbours that exchange their values and those that pass a unit on do the same.
    assert_eq!(sums.len(), count - 999, "two exchanges look alike");
}
