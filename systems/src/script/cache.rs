//! Texts that were parsed before, and other objects that need not be made twice.
//!
//! Invariant: what is found is what parsing gives, so nothing depends on what is in it. Bounded; a newer text takes
//! the place of an older one. Left out: stored objects that are no strings, which need no parsing.

use super::failure;
use diptych_components::event::Channel;
use diptych_components::slp::{self, Limits, Object};
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// Texts that are kept; a power of two.
pub const CACHE_ENTRIES: usize = 64;
/// Bytes of a text that is kept at most.
pub const CACHE_TEXT_MAX: usize = 16 << 10;

/// The programs of the texts that were run last. Each lane keeps one.
#[derive(Default)]
pub struct ParseCache {
    /// Empty until something is kept.
    entries: Vec<Option<Entry>>,
    /// What `$CHANNEL_x` is, once somebody asked; not shared with other lanes.
    channels: [Option<Object>; Channel::ALL.len()],
    #[cfg(test)]
    pub(super) parsed: u64,
}

struct Entry {
    text: Box<[u8]>,
    limits: Limits,
    program: Object,
}

impl ParseCache {
    /// An empty one, which takes no memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The list of the forms of a text.
    ///
    /// # Errors
    /// An ERROR with line and column, when it does not parse; that is not kept.
    pub(super) fn parse(&mut self, text: &[u8], limits: &Limits) -> Result<Object, Object> {
        if text.len() > CACHE_TEXT_MAX {
            return self.read(text, limits);
        }
        let place = xxh3_64(text) as usize % CACHE_ENTRIES;
        if let Some(Some(entry)) = self.entries.get(place)
            && *entry.text == *text
            && entry.limits == *limits
        {
            return Ok(entry.program.clone());
        }
        let program = self.read(text, limits)?;
        self.entries.resize_with(CACHE_ENTRIES, || None);
        self.entries[place] = Some(Entry { text: text.into(), limits: *limits, program: program.clone() });
        Ok(program)
    }

    /// The symbol of a channel.
    pub(super) fn channel(&mut self, channel: Channel) -> Object {
        let place = &mut self.channels[usize::from(channel.code()) - 1];
        let made = || Object::symbol(channel.symbol()).expect("the names of channels are symbols");
        place.get_or_insert_with(made).clone()
    }

    fn read(&mut self, text: &[u8], limits: &Limits) -> Result<Object, Object> {
        #[cfg(test)]
        {
            self.parsed += 1;
        }
        slp::parse(text, limits).map(slp::Forms::into_object).map_err(|error| failure::not_parsed(&error))
    }
}

impl fmt::Debug for ParseCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.entries.iter().flatten().count();
        f.debug_struct("ParseCache").field("kept", &kept).finish()
    }
}
