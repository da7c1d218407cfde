//! The scenes that can be run, each with what commands need of it. A new one is a file in `scene/` and a line in the
//! table here.
//!
//! Invariant: a command that runs, replays or draws a scene learns of it from this table alone. Which scene a world is, is a
//! fact that commands state of it, not the plugins: a program may put several of those into one world.

use std::collections::BTreeMap;

use clap::Subcommand;
use diptych::measure::Measure;
use diptych::picture::Canvas;
use diptych::prelude::*;
use diptych::series::SeriesPlugin;

use super::Failure;
use super::args::{RunArgs, ScriptArgs};

mod agents;
mod ants;
mod eidolon;
mod gravity;
mod life;
mod minds;
mod nbody;

/// What is stated of a stored world.
pub(crate) type Facts = BTreeMap<String, String>;

/// The fact that says which scene a world is.
pub(crate) const FACT_SCENE: &str = "scene";

/// The arguments of a scene, and what it is.
pub(crate) trait Scene {
    /// Its name in arguments, reports and facts.
    const NAME: &'static str;
    /// What to do when a measure is no number any more.
    const ADVICE: &'static str;
    /// What it has to say of a frame in numbers.
    const MEASURES: fn(View<'_>) -> Vec<Measure>;
    /// Names of measures that have a unit, and that.
    const UNITS: &'static [(&'static str, &'static str)] = &[];
    /// Draws a frame.
    const DRAW: fn(View<'_>, &mut Canvas);

    /// The arguments that all scenes share.
    fn run(&self) -> &RunArgs;

    /// A builder with the scene in it; refuses files and values that are wrong.
    fn plug(&self, builder: EngineBuilder) -> Result<EngineBuilder, Failure>;

    /// A builder of the world that is stored with these facts, for replays.
    fn stored(builder: EngineBuilder, facts: &Facts) -> EngineBuilder;
}

/// A scene without its arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) advice: &'static str,
    pub(crate) measures: fn(View<'_>) -> Vec<Measure>,
    pub(crate) units: &'static [(&'static str, &'static str)],
    pub(crate) draw: fn(View<'_>, &mut Canvas),
    pub(crate) stored: fn(EngineBuilder, &Facts) -> EngineBuilder,
}

impl Kind {
    /// What a scene is.
    pub(crate) const fn of<S: Scene>() -> Kind {
        Kind {
            name: S::NAME,
            advice: S::ADVICE,
            measures: S::MEASURES,
            units: S::UNITS,
            draw: S::DRAW,
            stored: S::stored,
        }
    }

    /// The scene that a world says it is, if it is one.
    pub(crate) fn named(facts: &Facts) -> Option<&'static Kind> {
        Kind::of_name(facts.get(FACT_SCENE)?)
    }

    /// The scene of this name.
    pub(crate) fn of_name(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// What a measure is counted in, where it has a unit.
    pub(crate) fn unit(&self, measure: &str) -> Option<&'static str> {
        self.units.iter().find(|(name, _)| *name == measure).map(|(_, unit)| *unit)
    }

    /// A builder of the world that is stored with these facts, recording if it does, for replays.
    pub(crate) fn again(&self, builder: EngineBuilder, facts: &Facts) -> EngineBuilder {
        let builder = (self.stored)(builder, facts).fact(FACT_SCENE, self.name);
        match SeriesPlugin::stored(facts, self.measures) {
            Some(series) => builder.plugin(series),
            None => builder,
        }
    }
}

/// The subcommands of `run`, and the table.
macro_rules! scenes {
    ($($(#[$about:meta])* $variant:ident($arguments:ty),)*) => {
        /// What can be run.
        #[derive(Subcommand, Debug)]
        pub(crate) enum Scenes {
            $($(#[$about])* $variant($arguments),)*
            /// The forms of an SLP file, once, then frames; `diptych run FILE.slp` is short for it
            Script(ScriptArgs),
        }

        /// Runs what was asked for.
        pub(crate) fn run(scene: &Scenes) -> Result<(), Failure> {
            match scene {
                $(Scenes::$variant(scene) => super::run::run(scene),)*
                Scenes::Script(script) => super::script::run(script),
            }
        }

        static KINDS: &[Kind] = &[$(Kind::of::<$arguments>(),)*];
    };
}

scenes! {
    /// Bodies in the plane that pull each other and bounce: a turning disc of them
    Gravity(gravity::GravityArgs),
    /// Ants that look for food and leave signals where it was
    Ants(ants::AntsArgs),
    /// Minds that explore, remember, fetch food, eat and rest
    Minds(minds::MindsArgs),
    /// Agents that listen, ask a language model, speak, and do tasks
    Agents(agents::AgentsArgs),
    /// Particles in eight dimensions, drawn to their layers and pushed apart by their charges
    Eidolon(eidolon::EidolonArgs),
    /// Conway's Life and its kin on a torus, from an RLE file
    Life(life::LifeArgs),
    /// Bodies under gravity: the Sun and the giant planets, or those of a CSV file
    Nbody(nbody::NbodyArgs),
}
