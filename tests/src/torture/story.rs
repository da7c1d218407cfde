//! A story: what happens in every frame of a seed, and how the world must be after each, by the model alone.
//!
//! Invariant: it follows from the seed. Whoever runs a world looks up here what to send before a frame.

use crate::torture::model::{Edit, Input, What, World};
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

/// What comes after a world.
pub(crate) fn scene(program: &Program, world: &World, dice: &mut Dice) -> Scene {
    // Dice of their own.
    let mut patching = Dice::new(dice.clone().bits(), "patches");
    let still = program.answers() && dice.one_in(5);
    let mut inputs = Vec::new();
    if dice.one_in(3) {
        let ids: Vec<u64> = world.rows.keys().copied().collect();
        for _ in 0..dice.below(5) {
            inputs.extend(input(program, &ids, dice));
        }
    }
    if patching.one_in(4) {
        let place = patching.below(inputs.len() as u64 + 1);
        inputs.insert(place as usize, Input::Patches(patches(program, world, &mut patching)));
    }
    Scene { still, inputs }
}

/// Patches that can be carried out, for the most part: each is thrown as if it were the first.
fn patches(program: &Program, world: &World, dice: &mut Dice) -> Vec<Edit> {
    let ids: Vec<u64> = world.rows.keys().copied().collect();
    // Few, so that patches meet.
    let few: Vec<u64> = (0..ids.len().min(3)).map(|_| *dice.pick(&ids)).collect();
    let mut edits = Vec::new();
    for _ in 0..1 + dice.below(4) {
        let nobody = few.is_empty() || dice.one_in(25);
        let id = if nobody { dice.bits() } else { *dice.pick(&few) };
        let value = dice.bits() >> 44;
        let held = |ty: &&Ty| world.rows.get(&id).is_some_and(|row| row.contains_key(*ty));
        let (has, lacks): (Vec<Ty>, Vec<Ty>) = program.types.iter().partition(held);
        let any = *dice.pick(&program.types);
        let one_of = |types: &[Ty], dice: &mut Dice| if types.is_empty() { any } else { *dice.pick(types) };
        let (what, ty) = match dice.below(30) {
            0 => (What::SetCut, one_of(&has, dice)),
            1 => (What::SetUnknown, any),
            2 => (What::Set, *dice.pick(&[Ty::Parent, Ty::Control])),
            3 => (*dice.pick(&[What::Set, What::Add, What::AddBlank, What::Remove]), any),
            4 => (What::Destroy, any),
            5..9 => (What::Remove, one_of(&has, dice)),
            9..14 => (What::Add, one_of(&lacks, dice)),
            14..17 => (What::AddBlank, one_of(&lacks, dice)),
            _ => (What::Set, one_of(&has, dice)),
        };
        edits.push(Edit { what, id, ty, value });
    }
    edits
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
