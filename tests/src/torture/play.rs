//! What a trial runs: something that can be registered, stepped and compared with what must be.

use crate::torture::model::difference;
use crate::torture::office::Office;
use crate::torture::story::Story;
use crate::torture::values::Dice;
use crate::torture::world;
use diptych_engine::prelude::*;
use std::fmt::Debug;

/// One seed of so many runs sessions and scripts in place of systems of its own.
const OFFICES: u64 = 10;

/// A world with everything that happens in it, known beforehand.
pub(crate) trait Play: Debug {
    fn seed(&self) -> u64;

    /// The last frame.
    fn end(&self) -> u64;

    /// Registers what the world is made of.
    fn register(&self, builder: EngineBuilder) -> EngineBuilder;

    /// Makes the next frame, with what belongs to it.
    fn step(&self, engine: &mut Engine) -> Result<(), String>;

    /// So many frames from this one on are steps without anything sent.
    fn quiet(&self, frame: u64) -> u64;

    /// Compares the committed frame with what it must be.
    fn compare(&self, engine: &Engine) -> Result<(), String>;
}

/// The play of a seed.
pub(crate) fn play(seed: u64) -> Box<dyn Play> {
    match Dice::new(seed, "play").one_in(OFFICES) {
        true => Box::new(Office::new(seed)),
        false => Box::new(Story::new(seed)),
    }
}

impl Play for Story {
    fn seed(&self) -> u64 {
        self.program.seed
    }

    fn end(&self) -> u64 {
        self.program.frames
    }

    fn register(&self, builder: EngineBuilder) -> EngineBuilder {
        world::register(builder, &self.program)
    }

    fn step(&self, engine: &mut Engine) -> Result<(), String> {
        let frame = engine.frame() + 1;
        let scene = &self.scenes[frame as usize];
        world::send(engine, &scene.inputs).map_err(|error| format!("frame {frame}: {error}"))?;
        let made = if scene.still { engine.answer() } else { engine.step() };
        made.map_err(|error| format!("frame {frame}: {error}"))
    }

    fn quiet(&self, frame: u64) -> u64 {
        let scenes = self.scenes.get(frame as usize..).unwrap_or_default();
        scenes.iter().take_while(|scene| !scene.still && scene.inputs.is_empty()).count() as u64
    }

    fn compare(&self, engine: &Engine) -> Result<(), String> {
        let frame = engine.frame();
        let Some(expected) = self.worlds.get(frame as usize) else {
            return Err(format!("it is at frame {frame}, which was never made"));
        };
        let found = world::look(engine, &self.program, &expected.rows);
        if let Some(difference) = difference(&expected.rows, &found) {
            return Err(format!("frame {frame}: {difference}"));
        }
        let entities = engine.view().entities();
        if entities != expected.entities() {
            return Err(format!("frame {frame}: {entities} entities, the model has {}", expected.entities()));
        }
        Ok(())
    }
}
