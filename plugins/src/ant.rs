//! Ants as a plugin: a nest, piles of food, and the signals that ants leave between them.
//!
//! Invariant: what a world was made from (options, rules, version of this plugin) is stored with it as facts, so that it
//! is never continued as another. A portion of food is in a pile, with an ant, at home, or in a message to an ant.

pub use diptych_components::ant::*;
use diptych_engine::prelude::*;
use diptych_systems::ant::{step_ground, walk_ants};
use std::collections::BTreeMap;

mod options;
mod show;

pub use options::{ANTS_DEFAULT, Options, OptionsFault, PILES_MAX};
pub use show::{draw, measures};

/// Version of this plugin's state and behaviour; a world made by another one is refused.
const VERSION: &str = "1";
const FACT_OPTIONS: &str = "ant.options";

/// Ants that look for food and find the way by what became of those before them.
///
/// ```
/// use diptych::ant::{AntPlugin, Options, measures};
/// use diptych::measure::Quantity;
/// use diptych::prelude::*;
///
/// let plugin = AntPlugin::new(Options { ants: 200, ..Options::default() }).unwrap();
/// let mut engine = Engine::in_memory().plugin(plugin).build().unwrap();
/// engine.run(Pace::frames(10)).unwrap();
/// assert_eq!(measures(engine.view())[0].value, Quantity::Count(200));
/// ```
#[derive(Clone, Debug)]
pub struct AntPlugin {
    /// What frame 0 is made of; nothing for a stored world.
    options: Option<Options>,
    /// Which they are.
    fact: String,
}

impl AntPlugin {
    /// A world of these options.
    ///
    /// # Errors
    /// When an option is outside of what it may be.
    pub fn new(options: Options) -> Result<AntPlugin, OptionsFault> {
        options.check()?;
        Ok(AntPlugin { fact: options.to_string(), options: Some(options) })
    }

    /// The plugin of a world that is stored with these facts: for replays, which need no options.
    #[must_use]
    pub fn stored(facts: &BTreeMap<String, String>) -> AntPlugin {
        AntPlugin { options: None, fact: facts.get(FACT_OPTIONS).cloned().unwrap_or_default() }
    }
}

impl Plugin for AntPlugin {
    fn name(&self) -> &'static str {
        "ant"
    }

    fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
        registrar
            .state::<Ant>("ant.ant", 1)
            .state::<Trail>("ant.trail", 1)
            .state::<Ground>("ant.ground", 1)
            .state::<Rules>("ant.rules", 1)
            .state::<TilePlace>("ant.place", 1)
            .state::<Signals>("ant.signals", 1)
            .state::<Food>("ant.food", 1)
            .state::<TileCensus>("ant.census", 1)
            .message::<Deposit>("ant.deposit", 1)
            .message::<Ask>("ant.ask", 1)
            .message::<Answer>("ant.answer", 1)
            .system("ant.ground", step_ground)
            .system("ant.walk", walk_ants)
            .fact("ant.version", VERSION)
            .fact(FACT_OPTIONS, self.fact);
        let Some(options) = self.options else { return Ok(()) };
        registrar.setup("ant.setup", move |structure: &mut Structure<'_, '_>| {
            structure.spawn((options.ground(), options.rules));
            for (index, food) in (0..).zip(options.food()) {
                let census = TileCensus { signals: 0, food: food.cells.iter().sum() };
                structure.spawn((TilePlace { index }, Signals::NONE, food, census));
            }
            for ant in options.ants() {
                structure.spawn((ant, Trail::default()));
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
