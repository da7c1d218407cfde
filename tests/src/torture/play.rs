//! What a trial runs: something that can be registered, stepped and compared with what must be.

use crate::torture::model::{World, difference};
use crate::torture::office::Office;
use crate::torture::story::{Scene, Story, scene};
use crate::torture::values::Dice;
use crate::torture::world;
use diptych_engine::prelude::*;
use std::fmt::{self, Debug};
use std::time::Duration;

/// One seed of so many runs sessions and scripts in place of systems of its own.
const OFFICES: u64 = 10;

/// How long patches may take to be answered, once their frame is made.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);

/// Why a frame is not there, or not as it must be.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine did not make this frame.
    Engine(u64, Box<Error>),
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(frame, error) => write!(f, "frame {frame}: {error}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        failure.to_string()
    }
}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self::Other(what)
    }
}

/// A world with everything that happens in it, known beforehand.
pub(crate) trait Play: Debug {
    fn seed(&self) -> u64;

    /// The last frame.
    fn end(&self) -> u64;

    /// Registers what the world is made of.
    fn register(&self, builder: EngineBuilder) -> EngineBuilder;

    /// Makes the next frame, with what belongs to it.
    fn step(&self, engine: &mut Engine) -> Result<(), Failure>;

    /// Makes frames that are not in it, after one that is.
    fn stray(&self, engine: &mut Engine, frames: u64, dice: &mut Dice) -> Result<(), Failure>;

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

    fn step(&self, engine: &mut Engine) -> Result<(), Failure> {
        let frame = engine.frame() as usize + 1;
        make(engine, &self.scenes[frame], &self.worlds[frame])
    }

    fn stray(&self, engine: &mut Engine, frames: u64, dice: &mut Dice) -> Result<(), Failure> {
        let mut world = self.worlds[engine.frame() as usize].clone();
        for _ in 0..frames {
            let scene = scene(&self.program, &world, dice);
            world.step(&self.program, scene.still, &scene.inputs);
            make(engine, &scene, &world)?;
            self.compare_with(engine, &world)?;
        }
        Ok(())
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
        self.compare_with(engine, expected)
    }
}

impl Story {
    fn compare_with(&self, engine: &Engine, expected: &World) -> Result<(), String> {
        let frame = expected.frame;
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

/// Makes the frame of a scene, after which the world is as `expected`.
fn make(engine: &mut Engine, scene: &Scene, expected: &World) -> Result<(), Failure> {
    let frame = expected.frame;
    let failed = |error| Failure::Engine(frame, Box::new(error));
    let patching = world::send(engine, &scene.inputs).map_err(failed)?;
    let made = if scene.still { engine.answer() } else { engine.step() };
    made.map_err(failed)?;
    for (number, (sent, refused)) in patching.into_iter().zip(&expected.refused).enumerate() {
        let answer = sent.wait(ANSWER_WAIT_MAX);
        let agrees = match &answer {
            Ok(applied) => !refused && *applied == frame,
            Err(error) => *refused && error.to_string().contains("was carried out"),
        };
        if !agrees {
            let expected = if *refused { "refused" } else { "carried out" };
            return Err(Failure::Other(format!(
                "frame {frame}: patches {number} must be {expected}, and the answer is {answer:?}"
            )));
        }
    }
    Ok(())
}
