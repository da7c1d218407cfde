//! `run minds`

use clap::Args;
use diptych::measure::Measure;
use diptych::mind::{self, ITEMS_DEFAULT, MINDS_DEFAULT, MindPlugin, Options};
use diptych::picture::Canvas;
use diptych::prelude::*;

use super::{Facts, Scene};
use crate::cli::Failure;
use crate::cli::args::RunArgs;

/// `run minds`
#[derive(Args, Debug)]
pub(crate) struct MindsArgs {
    /// Minds; --seed says where they begin and what they need
    #[arg(long, value_name = "N", default_value_t = MINDS_DEFAULT, alias = "bodies")]
    agents: u32,
    /// Items of food
    #[arg(long, value_name = "N", default_value_t = ITEMS_DEFAULT)]
    items: u32,
    #[command(flatten)]
    run: RunArgs,
}

impl Scene for MindsArgs {
    const NAME: &'static str = "minds";
    const ADVICE: &'static str = "that is a fault of this program";
    const MEASURES: fn(View<'_>) -> Vec<Measure> = mind::measures;
    const DRAW: fn(View<'_>, &mut Canvas) = mind::draw;

    fn run(&self) -> &RunArgs {
        &self.run
    }

    fn plug(&self, builder: EngineBuilder) -> Result<EngineBuilder, Failure> {
        let defaults = Options::default();
        let seed = self.run.world.seed.unwrap_or(defaults.seed);
        let options = Options { minds: self.agents, items: self.items, seed, ..defaults };
        Ok(builder.plugin(MindPlugin::new(options).map_err(Failure::refused)?))
    }

    fn stored(builder: EngineBuilder, facts: &Facts) -> EngineBuilder {
        builder.plugin(MindPlugin::stored(facts))
    }
}
