//! `run agents`

use std::sync::Arc;

use clap::Args;
use diptych::agent::{
    self, AGENTS_DEFAULT, AgentPlugin, Http, Model, OLLAMA_MODEL, OLLAMA_URL, OPENAI_MODEL, OPENAI_URL,
    Options, Rules,
};
use diptych::measure::Measure;
use diptych::picture::Canvas;
use diptych::prelude::*;

use super::{Facts, Scene};
use crate::cli::Failure;
use crate::cli::args::RunArgs;

/// A model outside.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Llm {
    /// Ollama's own interface
    Ollama,
    /// OpenAI's interface, as LM Studio and others speak it
    Openai,
}

/// `run agents`
#[derive(Args, Debug)]
pub(crate) struct AgentsArgs {
    /// Agents; --seed says what is said to them and what they have to do
    #[arg(long, value_name = "N", default_value_t = AGENTS_DEFAULT, alias = "bodies")]
    agents: u32,
    /// Ask a model outside, instead of the one that is part of the world; give it time with --hz 20
    #[arg(long, value_name = "INTERFACE")]
    llm: Option<Llm>,
    /// Where that model is; http://127.0.0.1:11434 for ollama and http://127.0.0.1:1234/v1 for openai if left out
    #[arg(long, value_name = "U", requires = "llm")]
    url: Option<String>,
    /// Its name
    #[arg(long, value_name = "M", requires = "llm")]
    model: Option<String>,
    #[command(flatten)]
    run: RunArgs,
}

impl Scene for AgentsArgs {
    const NAME: &'static str = "agents";
    const ADVICE: &'static str = "that is a fault of this program";
    const MEASURES: fn(View<'_>) -> Vec<Measure> = agent::measures;
    const DRAW: fn(View<'_>, &mut Canvas) = agent::draw;

    fn run(&self) -> &RunArgs {
        &self.run
    }

    fn plug(&self, builder: EngineBuilder) -> Result<EngineBuilder, Failure> {
        let rules = Rules::default();
        let rules = Rules { seed: self.run.world.seed.unwrap_or(rules.seed), ..rules };
        let model = if self.llm.is_some() { Model::Outside } else { Model::Seeded };
        let plugin =
            AgentPlugin::new(Options { agents: self.agents, model, rules }).map_err(Failure::refused)?;
        let Some(llm) = self.llm else { return Ok(builder.plugin(plugin)) };
        let or = |given: &Option<String>, default: &str| given.clone().unwrap_or_else(|| default.to_owned());
        let provider = match llm {
            Llm::Ollama => Http::ollama(&or(&self.url, OLLAMA_URL), &or(&self.model, OLLAMA_MODEL)),
            Llm::Openai => Http::openai(&or(&self.url, OPENAI_URL), &or(&self.model, OPENAI_MODEL)),
        };
        let provider: Arc<dyn agent::Provider> = Arc::new(provider.map_err(Failure::refused)?);
        Ok(builder.plugin(plugin.providers([provider])))
    }

    fn stored(builder: EngineBuilder, facts: &Facts) -> EngineBuilder {
        builder.plugin(AgentPlugin::stored(facts))
    }
}
