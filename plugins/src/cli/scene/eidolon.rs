//! `run eidolon`

use clap::Args;
use diptych::eidolon::{self, EidolonPlugin, Options, PARTICLES_DEFAULT};
use diptych::measure::Measure;
use diptych::picture::Canvas;
use diptych::prelude::*;

use super::{Facts, Scene};
use crate::cli::Failure;
use crate::cli::args::{RunArgs, step};

/// `run eidolon`
#[derive(Args, Debug)]
pub(crate) struct EidolonArgs {
    /// Particles of the field, spread over its eight circuits
    #[arg(long, value_name = "N", default_value_t = PARTICLES_DEFAULT, alias = "particles")]
    bodies: u32,
    /// Step by the fourth order of Runge and Kutta in place of Verlet
    #[arg(long)]
    rk4: bool,
    /// World time of one frame
    #[arg(long, default_value_t = 0.01, value_parser = step, allow_negative_numbers = true)]
    dt: f64,
    #[command(flatten)]
    run: RunArgs,
}

impl Scene for EidolonArgs {
    const NAME: &'static str = "eidolon";
    const ADVICE: &'static str = "particles came too close for their numbers; take a smaller --dt";
    const MEASURES: fn(View<'_>) -> Vec<Measure> = eidolon::measures;
    const DRAW: fn(View<'_>, &mut Canvas) = eidolon::draw;

    fn run(&self) -> &RunArgs {
        &self.run
    }

    fn plug(&self, builder: EngineBuilder) -> Result<EngineBuilder, Failure> {
        let mut options = Options { particles: self.bodies, is_rk4: self.rk4, ..Options::default() };
        options.seed = self.run.world.seed.unwrap_or(options.seed);
        Ok(builder.dt(self.dt).plugin(EidolonPlugin::new(options).map_err(Failure::refused)?))
    }

    fn stored(builder: EngineBuilder, facts: &Facts) -> EngineBuilder {
        builder.plugin(EidolonPlugin::stored(facts))
    }
}
