//! What a world of agents is made of: how many, by which rules, with which kind of model.
//!
//! Invariant: equal options make equal worlds, and the text of options says all of them.

use core::fmt;
use diptych_components::agent::{AGENTS_MAX, AgentInfo, Grant, NOBODY, Rules, RulesFault};

/// Agents when nothing else is said.
pub const AGENTS_DEFAULT: u32 = 48;

/// Where answers come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Model {
    /// From a model that is part of the world, see [`Seeded`](super::Seeded).
    #[default]
    Seeded,
    /// From a model outside, as inputs.
    Outside,
}

impl Model {
    /// Its name in facts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seeded => "seeded",
            Self::Outside => "outside",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Seeded, Self::Outside].into_iter().find(|model| model.name() == name)
    }
}

/// What [`AgentPlugin`](super::AgentPlugin) makes its world of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many agents; default [`AGENTS_DEFAULT`], at most [`AGENTS_MAX`].
    pub agents: u32,
    /// Where answers come from; default [`Model::Seeded`].
    pub model: Model,
    /// How agents behave, with the seed of it all; default seed 1.
    pub rules: Rules,
}

/// What is wrong with options.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsFault {
    /// Too many agents.
    #[error("{0} agents are too many: ask for at most {AGENTS_MAX}")]
    TooMany(u32),
    /// A rule outside of what it may be.
    #[error(transparent)]
    Rules(#[from] RulesFault),
}

impl Default for Options {
    fn default() -> Self {
        Self { agents: AGENTS_DEFAULT, model: Model::default(), rules: Rules::default() }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { agents, model, rules } = self;
        write!(f, "{agents} agents, {} model; {rules:?}", model.name())
    }
}

impl Options {
    /// What is wrong, if anything.
    ///
    /// # Errors
    /// The first option that is outside of what it may be.
    pub fn check(&self) -> Result<(), OptionsFault> {
        if self.agents > AGENTS_MAX {
            return Err(OptionsFault::TooMany(self.agents));
        }
        Ok(self.rules.check()?)
    }

    /// An agent of frame 0, and what it may do: every fourth must not write into its memory.
    pub(super) fn agent(&self, number: u32) -> (AgentInfo, Grant) {
        let info = AgentInfo {
            number,
            name: format!("agent {number}"),
            prompt: "You are an agent in a simulated world. Answer in one short sentence.".to_owned(),
            capabilities: Vec::new(),
            memory: NOBODY,
        };
        let mut scopes = vec!["clock.*".to_owned(), "text.count".to_owned()];
        if number % 4 != 3 {
            scopes.push("memory.write".to_owned());
        }
        (info, Grant { scopes, expires: u64::MAX })
    }
}
