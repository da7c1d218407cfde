//! Who holds a lease, and why one was not given or not given back. Data only.

use std::fmt;
use std::time::Duration;

use super::LEASES_MAX;
use crate::sync::SharedStr;

/// Who takes a lease: a constant name, or one made at run time.
#[derive(Clone, Debug)]
pub enum Holder {
    /// `"renderer"`
    Constant(&'static str),
    /// `format!("session {id}")`
    Shared(SharedStr),
}

impl Holder {
    /// The name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Constant(name) => name,
            Self::Shared(name) => name,
        }
    }
}

impl PartialEq for Holder {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.as_str(), other.as_str()) || self.as_str() == other.as_str()
    }
}

impl Eq for Holder {}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl From<&'static str> for Holder {
    fn from(name: &'static str) -> Self {
        Self::Constant(name)
    }
}

impl From<SharedStr> for Holder {
    fn from(name: SharedStr) -> Self {
        Self::Shared(name)
    }
}

impl From<String> for Holder {
    fn from(name: String) -> Self {
        Self::Shared(name.into())
    }
}

/// Why no lease was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// A commit held the gate closed longer than the bound; try again.
    #[error("`{holder}` waited {waited:?} for a commit to end: try again, or wait longer")]
    Busy {
        /// Who asked.
        holder: Holder,
        /// The bound.
        waited: Duration,
    },
    /// The commit waits for the pool, so the pool must not wait for the commit.
    #[error("`{holder}` asked for a lease on a thread of the pool: read `Prev<T>` there instead")]
    OnPoolThread {
        /// Who asked.
        holder: Holder,
    },
    /// More than [`LEASES_MAX`] at once: most likely leases are forgotten.
    #[error(
        "`{holder}` asked for a lease, but {LEASES_MAX} are held: give them back, they are for short reads"
    )]
    TooMany {
        /// Who asked.
        holder: Holder,
    },
    /// A commit panicked half way: there is no whole frame to read. Reopen the world.
    #[error("a commit panicked half way, so there is no whole frame to read: reopen the world")]
    Torn,
}

/// A commit gave up waiting for leases; the gate is open again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseHeld {
    /// Who holds them, oldest first, at most [`HOLDERS_NAMED_MAX`](super::HOLDERS_NAMED_MAX).
    pub holders: Vec<Holder>,
    /// How many are held.
    pub leases: u64,
    /// How long the commit waited.
    pub waited: Duration,
    /// True if the committing thread itself holds one.
    pub own: bool,
}

impl std::error::Error for LeaseHeld {}

impl fmt::Display for LeaseHeld {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.holders.iter().map(|holder| format!("`{holder}`")).collect();
        let names = names.join(", ");
        let more = if self.leases > self.holders.len() as u64 { ", .." } else { "" };
        if self.own {
            return write!(
                out,
                "this thread holds a lease ({names}{more}): drop it before waiting for a commit"
            );
        }
        let (waited, leases) = (self.waited, self.leases);
        write!(
            out,
            "the commit waited {waited:?} for {leases} lease(s) held by {names}{more}: leases are for short reads, copy what you need longer"
        )
    }
}
