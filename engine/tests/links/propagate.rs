//! What children inherit.
