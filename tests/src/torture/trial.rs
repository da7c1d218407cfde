//! One seed.

use crate::torture::model::difference;
use crate::torture::story::Story;
use crate::torture::world;
use diptych_engine::prelude::*;

/// What a seed came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Frames made.
    pub frames: u64,
    /// Crashes survived.
    pub crashes: u64,
}

/// Runs a seed.
///
/// # Errors
/// What was violated, as a sentence.
pub fn trial(seed: u64) -> Result<Outcome, String> {
    let story = Story::new(seed);
    let mut engine = world::register(Engine::in_memory(), &story.program)
        .threads(1)
        .build()
        .map_err(|error| format!("the world is refused: {error}"))?;
    let mut outcome = Outcome::default();
    compare(&engine, &story)?;
    while engine.frame() < story.end() {
        step(&mut engine, &story)?;
        compare(&engine, &story)?;
        outcome.frames += 1;
    }
    Ok(outcome)
}

fn step(engine: &mut Engine, story: &Story) -> Result<(), String> {
    let frame = engine.frame() + 1;
    let scene = &story.scenes[frame as usize];
    world::send(engine, &scene.inputs).map_err(|error| format!("frame {frame}: {error}"))?;
    let made = if scene.still { engine.answer() } else { engine.step() };
    made.map_err(|error| format!("frame {frame}: {error}"))
}

fn compare(engine: &Engine, story: &Story) -> Result<(), String> {
    let frame = engine.frame();
    let expected = &story.worlds[frame as usize];
    let found = world::look(engine, &story.program, &expected.rows);
    if let Some(difference) = difference(&expected.rows, &found) {
        return Err(format!("frame {frame}: {difference}"));
    }
    let entities = engine.view().entities();
    if entities != expected.entities() {
        return Err(format!("frame {frame}: {entities} entities, the model has {}", expected.entities()));
    }
    Ok(())
}
