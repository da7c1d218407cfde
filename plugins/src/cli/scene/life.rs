//! `run life`

use std::path::PathBuf;

use clap::Args;
use diptych::life::{self, Grid, LifePlugin, Pattern};
use diptych::measure::Measure;
use diptych::picture::Canvas;
use diptych::prelude::*;

use super::{Facts, Scene};
use crate::cli::Failure;
use crate::cli::args::RunArgs;
use crate::cli::file::read;

/// `run life`
#[derive(Args, Debug)]
pub(crate) struct LifeArgs {
    /// The pattern: a run-length encoded file, as LifeWiki publishes them
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Size of the torus; the pattern is put in its middle
    #[arg(long, value_name = "WxH", default_value_t = Grid::DEFAULT)]
    grid: Grid,
    #[command(flatten)]
    run: RunArgs,
}

impl Scene for LifeArgs {
    const NAME: &'static str = "life";
    const ADVICE: &'static str = "";
    const MEASURES: fn(View<'_>) -> Vec<Measure> = life::measures;
    const UNITS: &'static [(&'static str, &'static str)] = &[("population", "cells")];
    const DRAW: fn(View<'_>, &mut Canvas) = life::draw;

    fn run(&self) -> &RunArgs {
        &self.run
    }

    fn plug(&self, builder: EngineBuilder) -> Result<EngineBuilder, Failure> {
        let (file, bytes) = read(&self.file)?;
        let pattern = Pattern::parse(&file, &bytes).map_err(Failure::refused)?;
        let plugin = LifePlugin::new(pattern, self.grid);
        Ok(builder.plugin(plugin.map_err(|error| Failure::Refused(format!("{file}: {error}")))?))
    }

    fn stored(builder: EngineBuilder, facts: &Facts) -> EngineBuilder {
        builder.plugin(LifePlugin::stored(facts))
    }
}
