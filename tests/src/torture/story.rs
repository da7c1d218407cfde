//! A story: what happens in every frame of a seed, and how the world must be after each, by the model alone.
//!
//! Invariant: it follows from the seed. Whoever runs a world looks up here what to send before a frame.

use crate::torture::model::{Input, World};
use crate::torture::rules::Program;
use crate::torture::values::{Dice, Ty};
use std::sync::Arc;

/// A frame to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    pub(crate) still: bool,
    pub(crate) inputs: Vec<Input>,
}

/// Everything that is to happen, and to be.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) program: Arc<Program>,
    /// By frame; the one of frame 0 is empty.
    pub(crate) scenes: Vec<Scene>,
    /// By frame.
    pub(crate) worlds: Vec<World>,
}

impl Story {
    pub(crate) fn new(seed: u64) -> Self {
        let program = Arc::new(Program::new(seed));
        let mut dice = Dice::new(seed, "story");
        let (mut scenes, mut worlds) = (vec![Scene::default()], vec![World::new(&program)]);
        for _ in 0..program.frames {
            let mut world = worlds.last().expect("frame 0 is there").clone();
            let scene = scene(&program, &world, &mut dice);
            world.step(&program, scene.still, &scene.inputs);
            scenes.push(scene);
            worlds.push(world);
        }
        Self { program, scenes, worlds }
    }
}

fn scene(program: &Program, world: &World, dice: &mut Dice) -> Scene {
    let still = program.answers() && dice.one_in(5);
    let mut inputs = Vec::new();
    if dice.one_in(3) {
        let ids: Vec<u64> = world.rows.keys().copied().collect();
        for _ in 0..dice.below(5) {
            inputs.extend(input(program, &ids, dice));
        }
    }
    Scene { still, inputs }
}

fn input(program: &Program, ids: &[u64], dice: &mut Dice) -> Option<Input> {
    if dice.one_in(8) {
        let systems: Vec<&String> = program.systems.values().map(|sys| &sys.name).collect();
        let system = if systems.is_empty() { return None } else { (*dice.pick(&systems)).clone() };
        // A system that is off is off for good in too many worlds: mostly on again.
        let (enabled, every) = if dice.one_in(3) { (false, 1) } else { (true, 1 + dice.below(3) as u32) };
        return Some(Input::Control(system, enabled, every));
    }
    let one = if ids.is_empty() || dice.one_in(20) { dice.bits() } else { *dice.pick(ids) };
    let other = if ids.is_empty() { dice.bits() } else { *dice.pick(ids) };
    let number = dice.bits() >> 44;
    let what = dice.below(12);
    let order = match what {
        3 if !dice.one_in(3) => return None,
        5 | 6 if !program.trees() => return None,
        8 if !program.has(Ty::Flash) => return None,
        5 => [what, one, other, dice.below(4)],
        _ => [what, one, number, 0],
    };
    Some(Input::Order(order))
}
