//! Claim: the seeds of the fuzz target `eval` do the same in one go and stopped at every step.

use super::suspension::check;
use crate::script::Limits;
use std::path::Path;

#[test]
fn the_seeds_of_the_fuzz_target_go_on_where_they_stopped() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds/eval");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).expect("the seeds are in the repository") {
        let text =
            std::fs::read_to_string(entry.expect("an entry of a folder").path()).expect("a seed is text");
        check(&text, &Limits { steps_in_all: 2_000, ..Limits::default() });
        count += 1;
    }
    assert!(count >= 6, "{count} seeds in {}", folder.display());
}
