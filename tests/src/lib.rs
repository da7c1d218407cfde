//! What the contract tests share, and the torture chamber that runs beside them.

#![expect(clippy::type_complexity, reason = "a system's signature is its claim")]

pub mod torture;
