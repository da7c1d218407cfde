//! Any bytes at all are an order-statistics map or an error; what is a map has those bytes and a sound tree.
#![no_main]

use diptych_components::rank::RankMap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match RankMap::<u16, String>::decode(bytes) {
        Ok(map) => {
            let mut again = Vec::new();
            map.encode(&mut again);
            assert_eq!(again, bytes);
            map.validate().expect("what was read is balanced");
            for (rank, (key, _)) in map.iter().enumerate() {
                assert_eq!(map.rank(key), rank);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
