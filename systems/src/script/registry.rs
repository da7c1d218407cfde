//! All commands by name.
//!
//! Invariant: names are unique; a command keeps its number for good, and the order that shows is that of the names.
//! Left out: what a command is (`command`).

use super::command::Command;
use super::commands;

/// Why a command was not registered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// Another one has the name.
    #[error("the command {new} cannot be registered: the name is taken by {old}; give it another name")]
    Taken {
        /// The signature of the one that was there.
        old: String,
        /// The signature of the one that was refused.
        new: String,
    },
    /// It cannot be called.
    #[error("the command `{name}` cannot be registered: {reason}")]
    Malformed {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// There are [`COMMANDS_MAX`] already.
    #[error("the command `{name}` cannot be registered: there are {COMMANDS_MAX} already")]
    TooMany {
        /// Its name.
        name: String,
    },
}

/// Commands of a registry.
pub const COMMANDS_MAX: usize = 10_000;

/// Every command there is, by name.
#[derive(Clone, Debug)]
pub struct Commands {
    /// By number, which is the order of registration.
    commands: Vec<Command>,
    /// Numbers by name.
    order: Vec<u16>,
    /// Numbers by hash of the name, at most half of it taken; [`NOBODY`] where there is none.
    slots: Vec<u16>,
}

const NOBODY: u16 = u16::MAX;
const _: () = assert!(COMMANDS_MAX < NOBODY as usize);

impl Commands {
    /// The twelve that are built in.
    #[must_use]
    pub fn new() -> Self {
        let mut all = Self { commands: Vec::new(), order: Vec::new(), slots: vec![NOBODY; 64] };
        for command in commands::builtin() {
            all.register(command).expect("the names of the built-in commands differ and are symbols");
        }
        all
    }

    /// Adds a command.
    ///
    /// # Errors
    /// When its name is taken, or it could not be called.
    pub fn register(&mut self, command: Command) -> Result<(), CommandError> {
        command.check()?;
        if let Some(old) = self.get(command.name()) {
            return Err(CommandError::Taken { old: old.signature(), new: command.signature() });
        }
        if self.commands.len() == COMMANDS_MAX {
            return Err(CommandError::TooMany { name: command.name().to_owned() });
        }
        let place = self.order.partition_point(|number| self.at(*number).name() < command.name());
        self.order.insert(place, self.commands.len() as u16);
        self.commands.push(command);
        if self.commands.len() * 2 > self.slots.len() {
            self.slots = vec![NOBODY; self.slots.len() * 2];
            (0..self.commands.len()).for_each(|number| self.place(number as u16));
        } else {
            self.place(self.commands.len() as u16 - 1);
        }
        Ok(())
    }

    /// The command of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Command> {
        self.find(name.as_bytes()).map(|number| self.at(number))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Command> {
        self.order.iter().map(|number| self.at(*number))
    }

    /// The number of a command.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<u16> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(name) & mask;
        loop {
            let number = self.slots[slot];
            if number == NOBODY {
                return None;
            }
            if self.at(number).name().as_bytes() == name {
                return Some(number);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The command with this number.
    #[inline]
    pub(super) fn at(&self, number: u16) -> &Command {
        &self.commands[usize::from(number)]
    }

    fn place(&mut self, number: u16) {
        let mask = self.slots.len() - 1;
        let mut slot = hash(self.at(number).name().as_bytes()) & mask;
        while self.slots[slot] != NOBODY {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = number;
    }
}

impl Default for Commands {
    fn default() -> Self {
        Self::new()
    }
}

/// Of the ends of a name: what differs between commands. Only the table sees it.
#[inline]
fn hash(name: &[u8]) -> usize {
    let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (0, name.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))),
    };
    let mixed = (first.rotate_left(29) ^ last ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize
}
