//! The frame of a build without the feature `store`: every world is in memory.
//!
//! Invariant: it offers what `encode` and `recover` offer the rest of the engine, and answers as those do for a
//! world in memory. An encoder, and what one would work on, cannot exist here, so nothing else asks which
//! build it is in.

use super::{Committed, Frame};
use crate::buffer::Column;
use crate::builder::{EngineBuilder, Start, Upcast};
use crate::error::Result;
use crate::schedule::Schedule;
use crate::stats::Stats;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Cannot exist.
pub(crate) enum Encoder {}
/// Cannot exist.
pub(crate) enum Job {}
/// Cannot exist.
pub(crate) enum Recovered {}
/// Cannot exist.
pub(crate) enum Tail {}

impl Recovered {
    pub(crate) fn has_tail(&self) -> bool {
        match *self {}
    }

    pub(crate) fn take_tail(&mut self) -> Option<Tail> {
        match *self {}
    }
}

impl Encoder {
    /// None: no path can be given.
    pub(crate) fn of(
        _: &EngineBuilder,
        _: &[Arc<dyn Column>],
        _: &BTreeMap<String, String>,
        _: &str,
    ) -> Result<(Option<Self>, Option<Recovered>)> {
        Ok((None, None))
    }

    pub(crate) fn keys(&self) -> &[u16] {
        match *self {}
    }

    pub(crate) fn begin_again(&mut self, _: u64) {
        match *self {}
    }

    pub(crate) fn durable_frame(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn logs(&self) -> bool {
        match *self {}
    }

    pub(crate) fn repaired(&self) -> Option<&str> {
        match *self {}
    }

    pub(super) fn take_pending(&mut self) -> Option<Job> {
        match *self {}
    }

    pub(super) fn complete(&mut self, _: Job, _: &Committed<'_>) -> Result<()> {
        match *self {}
    }

    pub(super) fn fill(&self, _: &mut Stats) {
        match *self {}
    }
}

impl Frame {
    pub(crate) fn recover(
        &mut self,
        recovered: Recovered,
        _: &[u16],
        _: &BTreeMap<(usize, u32), Upcast>,
        _: &Path,
    ) -> Result<()> {
        match recovered {}
    }

    pub(crate) fn set_again(&mut self, again: bool) {
        let taken: Option<&[u8]> = again.then_some(&[]);
        self.intakes.iter().for_each(|intake| intake.replay(taken));
    }

    pub(crate) fn check_beginning(&mut self, _: &Start) -> Result<()> {
        Ok(())
    }

    pub(crate) fn upgrade_now(&mut self) -> Result<()> {
        Ok(())
    }

    pub(crate) fn start_up_from(&mut self, startup: Schedule, _: &Start) -> Result<()> {
        self.start_up(startup)
    }

    pub(crate) fn catch_up(&mut self, _: Option<Tail>) -> Result<()> {
        Ok(())
    }

    pub(super) fn record(&mut self, _: u64) -> Result<()> {
        Ok(())
    }

    pub(crate) fn hand_over(&mut self) -> Result<()> {
        Ok(())
    }

    pub(crate) fn settle_end(&mut self) -> Result<()> {
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<u64> {
        Ok(self.committed)
    }

    pub(crate) fn wait_durable(&mut self, _: u64, _: Duration) -> Result<u64> {
        Ok(self.committed)
    }
}
