//! `run nbody`

use std::path::PathBuf;

use clap::Args;
use diptych::measure::Measure;
use diptych::nbody::{self, Bodies, NbodyPlugin};
use diptych::picture::Canvas;
use diptych::prelude::*;

use super::{Facts, Scene};
use crate::cli::Failure;
use crate::cli::args::{RunArgs, step};
use crate::cli::file::read;

/// `run nbody`
#[derive(Args, Debug)]
pub(crate) struct NbodyArgs {
    /// The bodies: name,mass,x,y,z,vx,vy,vz; the Sun and the giant planets if left out
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// World time of one frame, in years for the planets
    #[arg(long, default_value_t = 0.01, value_parser = step, allow_negative_numbers = true)]
    dt: f64,
    #[command(flatten)]
    run: RunArgs,
}

impl Scene for NbodyArgs {
    const NAME: &'static str = "nbody";
    const ADVICE: &'static str = "bodies came too close or flew too far for their numbers; take a smaller --dt or \
        other bodies";
    const MEASURES: fn(View<'_>) -> Vec<Measure> = nbody::measures;
    const DRAW: fn(View<'_>, &mut Canvas) = nbody::draw;

    fn run(&self) -> &RunArgs {
        &self.run
    }

    fn plug(&self, builder: EngineBuilder) -> Result<EngineBuilder, Failure> {
        let bodies = match &self.file {
            None => Bodies::planets(),
            Some(path) => {
                let (file, bytes) = read(path)?;
                Bodies::parse(&file, &bytes).map_err(Failure::refused)?
            }
        };
        Ok(builder.dt(self.dt).plugin(NbodyPlugin::new(bodies)))
    }

    fn stored(builder: EngineBuilder, facts: &Facts) -> EngineBuilder {
        builder.plugin(NbodyPlugin::stored(facts))
    }
}
