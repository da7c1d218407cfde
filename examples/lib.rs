//! The programs beside this file are the examples; this crate only gives them their dependencies.
