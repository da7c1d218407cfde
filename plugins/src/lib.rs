//! Diptych.
