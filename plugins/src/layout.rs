//! Layouts as a plugin: types that come from a text, their values on entities, and scripts that see and change them.
//!
//! Invariant: the types a world was made with are stored with it as a fact, so that its bytes are never read as others.
//! Needs the [`Runtime`](crate::runtime::Runtime), whose events carry the changes.

pub use diptych_systems::layout::*;

use diptych_engine::prelude::*;
use diptych_systems::script::Command;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The fact that has the text of the types.
const FACT_TEXT: &str = "layout.text";
/// The fact that has the channel and topic of changes.
const FACT_STATION: &str = "layout.station";

/// A value to be made in frame 0: its layout, and its fields.
type Value = (String, Vec<(String, Scalar)>);

/// Types that are known only when the program runs, and their values as state: a column `layout.NAME` for each.
///
/// ```
/// use diptych::layout::{LayoutPlugin, Scalar};
/// use diptych::prelude::*;
///
/// let layouts = LayoutPlugin::parse("body: {at: {x: f32 y: f32} mass: f64 alive: bool}")?
///     .with(&[("body", &[("at.x", 1.5.into()), ("mass", 80.into())])])?;
/// let shelf = layouts.shelf().clone();
/// let runtime = layouts.commands().into_iter().try_fold(Runtime::default(), Runtime::command)?;
/// let mut engine = Engine::in_memory().plugin(runtime).plugin(layouts).build()?;
///
/// let body = shelf.ids("body")?[0];
/// assert_eq!(shelf.get(body, "body", "at.x")?, Scalar::Real(1.5));
/// let topic = shelf.station().topic;
/// let rights = Principal::new("smith").scope("smith", ScopeAccess::ReadWrite);
/// engine.client()?.principal(rights.topic(topic, TopicAccess::PubSub))?;
/// let session = engine.session("smith", "smith")?;
/// let set = session.run(&format!(r#"(world/set "{body}" body mass 81)"#))?;
/// engine.run(Pace::frames(4))?;
/// assert_eq!(set.get().map(|answer| answer.result.to_string()).as_deref(), Some("true"));
/// assert_eq!(shelf.get(body, "body", "mass")?, Scalar::Real(81.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LayoutPlugin {
    shelf: Arc<Shelf>,
    /// What frame 0 has: entities with their values.
    entities: Vec<Vec<Value>>,
}

impl LayoutPlugin {
    /// The types of a text, a list of `name: type`; see [`Layouts`].
    ///
    /// # Errors
    /// When the text is no such list, a type cannot be laid out, or there are more than [`LAYOUT_COLUMNS_MAX`].
    pub fn parse(text: &str) -> Result<Self, LayoutError> {
        Self::new(Layouts::parse(text)?, Station::default())
    }

    /// These types; changes are said at this station.
    ///
    /// # Errors
    /// When there are more than [`LAYOUT_COLUMNS_MAX`].
    pub fn new(layouts: Layouts, station: Station) -> Result<Self, LayoutError> {
        Ok(Self { shelf: Arc::new(Shelf::new(layouts, station)?), entities: Vec::new() })
    }

    /// The plugin of a world that is stored with these facts: for replays.
    ///
    /// # Errors
    /// When the facts are not those of a world with layouts.
    pub fn stored(facts: &BTreeMap<String, String>) -> Result<Self, LayoutError> {
        let text = facts.get(FACT_TEXT).ok_or_else(|| not_ours(FACT_TEXT))?;
        let station = facts.get(FACT_STATION).and_then(|station| station.split_once(' '));
        let (channel, topic) = station.ok_or_else(|| not_ours(FACT_STATION))?;
        let channel = crate::runtime::Channel::from_symbol(channel.as_bytes());
        let (Some(channel), Ok(topic)) = (channel, topic.parse()) else {
            return Err(not_ours(FACT_STATION));
        };
        Self::new(Layouts::parse(text)?, Station { channel, topic })
    }

    /// One more entity in frame 0, with a value of each of these layouts; fields that are missing are 0.
    ///
    /// # Errors
    /// When there is no such layout or field, or a field cannot hold its value.
    pub fn with(mut self, values: &[(&str, &[(&str, Scalar)])]) -> Result<Self, LayoutError> {
        let mut entity = Vec::new();
        for (layout, fields) in values {
            self.shelf.layouts().get(layout)?.pack(fields.iter().copied())?;
            let fields = fields.iter().map(|(path, value)| ((*path).to_owned(), *value)).collect();
            entity.push(((*layout).to_owned(), fields));
        }
        self.entities.push(entity);
        Ok(self)
    }

    /// The layouts and what is committed in them, to keep beside the engine.
    #[must_use]
    pub fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// `world/get` and `world/set`, for [`Runtime::command`](crate::runtime::Runtime::command).
    #[must_use]
    pub fn commands(&self) -> [Command; 2] {
        commands(&self.shelf)
    }
}

fn not_ours(fact: &str) -> LayoutError {
    let reason = "the world was not made with layouts, or by another version of them".to_owned();
    LayoutError::Text { place: format!("the fact {fact} of the world"), reason }
}

impl Plugin for LayoutPlugin {
    fn name(&self) -> &'static str {
        "layout"
    }

    fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
        let Self { shelf, entities } = self;
        let Station { channel, topic } = shelf.station();
        registrar.fact(FACT_TEXT, shelf.layouts().text()).fact(FACT_STATION, format!("{channel} {topic}"));
        register(registrar, &shelf);
        if entities.is_empty() {
            return Ok(());
        }
        registrar.setup("layout.setup", move |structure: &mut Structure<'_, '_>| {
            for values in entities {
                let entity = structure.spawn(());
                for (layout, fields) in values {
                    let fields = fields.iter().map(|(path, value)| (path.as_str(), *value));
                    shelf
                        .insert(structure, entity, &layout, fields)
                        .expect("it was looked at when it was given");
                }
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
