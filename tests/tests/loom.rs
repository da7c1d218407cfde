//! Models of the engine's concurrent protocols; run them with `.ci/loom`.
#![cfg(diptych_loom)]
