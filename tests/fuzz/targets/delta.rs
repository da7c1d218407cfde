//! Any bytes at all are a delta or an error, and one that does not fit leaves a view as it was.
#![no_main]

mod seal;

use diptych_engine::Patch;
use diptych_engine::store::{ViewWorld, WorldDelta};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

/// The world that the seeds go on from.
fn view() -> &'static ViewWorld {
    static VIEW: OnceLock<ViewWorld> = OnceLock::new();
    VIEW.get_or_init(|| ViewWorld::read(include_bytes!("../seeds/snapshot/five").as_slice()).expect("a seed"))
}

fuzz_target!(|bytes: &[u8]| {
    let mut sealed = bytes.to_vec();
    seal::delta(&mut sealed);
    for bytes in [bytes, &sealed] {
        let Ok(delta) = WorldDelta::decode(bytes) else { continue };
        assert_eq!(WorldDelta::decode(&delta.encode()).expect("it was just written"), delta);
        let mut tried = view().clone();
        if tried.apply_delta(&delta).is_ok() {
            assert_eq!(tried.frame(), delta.target());
            let patches = delta.patches(view()).expect("it was applied just now");
            assert_eq!(Patch::decode(&Patch::encode(&patches)).expect("it was just written"), patches);
        } else {
            assert_eq!(tried.image().digest(), view().image().digest());
        }
    }
});
