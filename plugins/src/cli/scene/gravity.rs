//! `run gravity`

use clap::Args;
use diptych::DT_DEFAULT;
use diptych::gravity::{self, GravityPlugin, Options, Rules};
use diptych::measure::Measure;
use diptych::picture::Canvas;
use diptych::prelude::*;

use super::{Facts, Scene};
use crate::cli::Failure;
use crate::cli::args::{RunArgs, step};

/// `run gravity`
#[derive(Args, Debug)]
pub(crate) struct GravityArgs {
    /// Bodies of the disc; --seed says which disc it is
    #[arg(long, value_name = "N", default_value_t = Options::default().bodies)]
    bodies: usize,
    /// By which rules they live: conserving, or those of the source of this scene, seed, which do not keep momentum
    #[arg(long, value_name = "RULES", default_value_t = Rules::default())]
    rules: Rules,
    /// Bodies that collide keep their masses
    #[arg(long)]
    no_exchange: bool,
    /// World time of one frame, in seconds; a sixtieth if left out. Under --rules seed frames have none
    #[arg(long, value_parser = step, allow_negative_numbers = true)]
    dt: Option<f64>,
    #[command(flatten)]
    run: RunArgs,
}

impl Scene for GravityArgs {
    const NAME: &'static str = "gravity";
    const ADVICE: &'static str = "bodies came too close or flew too far for their numbers; take a smaller --dt or \
        --rules conserving";
    const MEASURES: fn(View<'_>) -> Vec<Measure> = gravity::measures;
    const UNITS: &'static [(&'static str, &'static str)] =
        &[("momentum_error", "relative"), ("energy_drift", "relative")];
    const DRAW: fn(View<'_>, &mut Canvas) = gravity::draw;

    fn run(&self) -> &RunArgs {
        &self.run
    }

    fn plug(&self, builder: EngineBuilder) -> Result<EngineBuilder, Failure> {
        if self.no_exchange && self.rules == Rules::Seed {
            return Err(Failure::refused(
                "--no-exchange cannot be kept: under --rules seed bodies that collide always exchange mass",
            ));
        }
        if self.dt.is_some() && self.rules == Rules::Seed {
            return Err(Failure::refused(
                "--dt changes nothing: under --rules seed all goes by frames, however long; leave it out",
            ));
        }
        let defaults = Options::default();
        let options = Options {
            bodies: self.bodies,
            rules: self.rules,
            exchange: !self.no_exchange,
            seed: self.run.world.seed.unwrap_or(defaults.seed),
            ..defaults
        };
        Ok(builder
            .dt(self.dt.unwrap_or(DT_DEFAULT))
            .plugin(GravityPlugin::new(options).map_err(Failure::refused)?))
    }

    fn stored(builder: EngineBuilder, facts: &Facts) -> EngineBuilder {
        builder.plugin(GravityPlugin::stored(facts))
    }
}
