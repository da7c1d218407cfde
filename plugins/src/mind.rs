//! Minds as a plugin: creatures with needs in a square of cells, and the items they live on.
//!
//! Invariant: what a world was made from (options, rules, version of this plugin) is stored with it as facts, so that it
//! is never continued as another.

pub use diptych_components::mind::*;
use diptych_engine::prelude::*;
use diptych_systems::mind::{move_bodies, note_seen, satisfy_needs, serve_items, think_all};
use std::collections::BTreeMap;

mod options;
mod show;

pub use options::{ITEMS_DEFAULT, MINDS_DEFAULT, Options, OptionsFault};
pub use show::{draw, measures};

/// Version of this plugin's state and behaviour; a world made by another one is refused.
const VERSION: &str = "1";
const FACT_OPTIONS: &str = "mind.options";

/// Minds that explore, remember where food is, fetch and eat it, and rest.
///
/// ```
/// use diptych::mind::{MindPlugin, Options, measures};
/// use diptych::measure::Quantity;
/// use diptych::prelude::*;
///
/// let plugin = MindPlugin::new(Options { minds: 20, ..Options::default() }).unwrap();
/// let mut engine = Engine::in_memory().plugin(plugin).build().unwrap();
/// engine.run(Pace::frames(10)).unwrap();
/// assert_eq!(measures(engine.view())[0].value, Quantity::Count(20));
/// ```
#[derive(Clone, Debug)]
pub struct MindPlugin {
    /// What frame 0 is made of; nothing for a stored world.
    options: Option<Options>,
    /// Which they are.
    fact: String,
}

impl MindPlugin {
    /// A world of these options.
    ///
    /// # Errors
    /// When an option is outside of what it may be.
    pub fn new(options: Options) -> Result<MindPlugin, OptionsFault> {
        options.check()?;
        Ok(MindPlugin { fact: options.to_string(), options: Some(options) })
    }

    /// The plugin of a world that is stored with these facts: for replays, which need no options.
    #[must_use]
    pub fn stored(facts: &BTreeMap<String, String>) -> MindPlugin {
        MindPlugin { options: None, fact: facts.get(FACT_OPTIONS).cloned().unwrap_or_default() }
    }
}

impl Plugin for MindPlugin {
    fn name(&self) -> &'static str {
        "mind"
    }

    fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
        registrar
            .state::<Body>("mind.body", 1)
            .state::<Needs>("mind.needs", 1)
            .state::<Mind>("mind.mind", 1)
            .state::<Item>("mind.item", 1)
            .state::<Seen>("mind.seen", 1)
            .state::<Rules>("mind.rules", 1)
            .message::<Consume>("mind.consume", 1)
            .message::<Meal>("mind.meal", 1)
            .system("mind.live", satisfy_needs)
            .system("mind.move", move_bodies)
            .system("mind.see", note_seen)
            .system("mind.serve", serve_items)
            .system("mind.think", think_all)
            .fact("mind.version", VERSION)
            .fact(FACT_OPTIONS, self.fact);
        let Some(options) = self.options else { return Ok(()) };
        registrar.setup("mind.setup", move |structure: &mut Structure<'_, '_>| {
            structure.spawn((options.rules, Seen::NOTHING));
            for item in options.items() {
                structure.spawn((item,));
            }
            for (body, needs) in options.minds() {
                structure.spawn((body, needs, Mind::default()));
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
