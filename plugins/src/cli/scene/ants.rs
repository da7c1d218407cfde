//! `run ants`

use clap::Args;
use diptych::ant::{self, ANTS_DEFAULT, AntPlugin, Options};
use diptych::life::Grid;
use diptych::measure::Measure;
use diptych::picture::Canvas;
use diptych::prelude::*;

use super::{Facts, Scene};
use crate::cli::Failure;
use crate::cli::args::RunArgs;

/// `run ants`
#[derive(Args, Debug)]
pub(crate) struct AntsArgs {
    /// Ants of the nest; --seed says where food is
    #[arg(long, value_name = "N", default_value_t = ANTS_DEFAULT, alias = "bodies")]
    agents: u32,
    /// Size of the ground, in cells; either side is a multiple of 64
    #[arg(long, value_name = "WxH", default_value = "256x256")]
    grid: Grid,
    #[command(flatten)]
    run: RunArgs,
}

impl Scene for AntsArgs {
    const NAME: &'static str = "ants";
    const ADVICE: &'static str = "that is a fault of this program";
    const MEASURES: fn(View<'_>) -> Vec<Measure> = ant::measures;
    const DRAW: fn(View<'_>, &mut Canvas) = ant::draw;

    fn run(&self) -> &RunArgs {
        &self.run
    }

    fn plug(&self, builder: EngineBuilder) -> Result<EngineBuilder, Failure> {
        let defaults = Options::default();
        let options = Options {
            ants: self.agents,
            width: self.grid.width(),
            height: self.grid.height(),
            seed: self.run.world.seed.unwrap_or(defaults.seed),
            ..defaults
        };
        Ok(builder.plugin(AntPlugin::new(options).map_err(Failure::refused)?))
    }

    fn stored(builder: EngineBuilder, facts: &Facts) -> EngineBuilder {
        builder.plugin(AntPlugin::stored(facts))
    }
}
