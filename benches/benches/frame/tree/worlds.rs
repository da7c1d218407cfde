//! The two worlds of the tree bench, ours and bevy's.
//!
//! Invariant: a node has the same number, parent and first local in both, and the same locals are set in a
//! frame of either. Left out: which shapes and loads there are.

use super::{FIRST_FRAMES, FRAMES, Load, NODES, Shape, checksum, compose, few, local, moved};
use benches::{Probe, scene};
use bevy_ecs::hierarchy::ChildOf;
use bevy_ecs::prelude::{IntoScheduleConfigs, Query as BevyQuery, Schedule, World};
use bevy_ecs::system::RunSystemOnce;
use bevy_transform::components::{GlobalTransform, Transform};
use bevy_transform::systems::{
    StaticTransformOptimizations, mark_dirty_trees, propagate_parent_transforms, sync_simple_transforms,
};
use diptych_engine::EngineBuilder;
use diptych_engine::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Microseconds a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Of the propagation.
    pub(super) alone: f64,
    /// Of everything.
    pub(super) frame: f64,
}

/// bevy's types as state. The bench neither stores nor takes digests.
struct Unstored;

impl Codec<Transform> for Unstored {
    fn encode(value: &Transform, out: &mut Vec<u8>) {
        let parts = [value.translation.to_array(), value.scale.to_array()];
        parts.as_flattened().iter().for_each(|part| out.extend(part.to_le_bytes()));
        value.rotation.to_array().iter().for_each(|part| out.extend(part.to_le_bytes()));
    }

    fn decode(_: &[u8]) -> core::result::Result<Transform, CodecError> {
        Err(CodecError::new("the bench stores nothing"))
    }

    fn blank() -> Option<Transform> {
        Some(Transform::IDENTITY)
    }
}

impl Codec<GlobalTransform> for Unstored {
    fn encode(value: &GlobalTransform, out: &mut Vec<u8>) {
        value.affine().to_cols_array().iter().for_each(|part| out.extend(part.to_le_bytes()));
    }

    fn decode(_: &[u8]) -> core::result::Result<GlobalTransform, CodecError> {
        Err(CodecError::new("the bench stores nothing"))
    }

    fn blank() -> Option<GlobalTransform> {
        Some(GlobalTransform::IDENTITY)
    }
}

/// Answers what makes a sample, and the sum of all globals after the first frames.
pub(super) fn ours(shape: Shape, load: Load, threads: usize) -> (impl FnMut() -> Sample, u64) {
    let (probe, spent) = (Probe::default(), Arc::new(AtomicU64::new(0)));
    let nodes = Arc::new(Mutex::new(Vec::new()));
    let (spawned, spending) = (nodes.clone(), spent.clone());
    let builder = Engine::in_memory()
        .threads(threads)
        .digest(DigestPolicy::OnDemand)
        .state_with::<Transform, Unstored>("bench.transform", 1)
        .state_with::<GlobalTransform, Unstored>("bench.global", 1)
        .hierarchy()
        .setup("bench.tree", move |structure| {
            let mut nodes = spawned.lock().expect("one thread");
            for node in 0..NODES {
                nodes.push(structure.spawn((local(node), GlobalTransform::IDENTITY)));
                if node > 0 {
                    structure.attach(nodes[node].id, nodes[shape.parent(node)].id);
                }
            }
        })
        .derive(
            "bench.propagate",
            move |tree: Tree, locals: Query<Now<Transform>>, mut globals: Query<Next<GlobalTransform>>| {
                let start = Instant::now();
                tree.propagate(&locals, &mut globals, compose);
                // Relaxed: the run is joined before anybody looks.
                spending.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            },
        );
    let mut engine = writer(builder, load, &probe, nodes).build().expect("a bench's world is right");
    scene::run(&mut engine, FIRST_FRAMES);
    let sum = checksum(engine.view().iter::<GlobalTransform>().map(|(_, global)| global));
    let sample = move || {
        spent.store(0, Ordering::Relaxed);
        let frame = probe.time(FRAMES, |frames| scene::run(&mut engine, frames)) / 1000.0;
        // The run makes a frame more than it times.
        let alone = spent.load(Ordering::Relaxed) as f64 / (FRAMES + 1) as f64 / 1000.0;
        Sample { alone, frame }
    };
    (sample, sum)
}

type Nodes = Arc<Mutex<Vec<diptych_engine::Spawned>>>;

/// The owner of the locals.
fn writer(builder: EngineBuilder, load: Load, probe: &Probe, nodes: Nodes) -> EngineBuilder {
    let probe = probe.clone();
    let mut entities = Vec::new();
    builder.system("bench.move", move |mut locals: Query<Next<Transform>>| {
        probe.tick();
        match load {
            Load::All => locals.iter_mut().for_each(|mut local| local.set(moved(*local.prev()))),
            Load::None => {}
            Load::Few => {
                if entities.is_empty() {
                    let nodes = nodes.lock().expect("one thread");
                    entities.extend(few().map(|node| nodes[node].entity));
                }
                for entity in &entities {
                    let mut local = locals.get_mut(*entity).expect("nodes live");
                    local.set(moved(*local.prev()));
                }
            }
        }
    })
}

/// The same in bevy.
pub(super) fn bevy(
    shape: Shape,
    load: Load,
    optimizations: StaticTransformOptimizations,
) -> (impl FnMut() -> Sample, u64) {
    let mut world = World::new();
    world.insert_resource(optimizations);
    let mut nodes = vec![world.spawn(local(0)).id()];
    for node in 1..NODES {
        let parent = nodes[shape.parent(node)];
        nodes.push(world.spawn((local(node), ChildOf(parent))).id());
    }
    // Makes the task pool, where it is built with one.
    world.run_system_once(propagate_parent_transforms).expect("it needs nothing but the resource");
    let (mut moving, mut propagating) = (Schedule::default(), Schedule::default());
    let entities: Vec<_> = few().map(|node| nodes[node]).collect();
    moving.add_systems(move |mut locals: BevyQuery<&mut Transform>| match load {
        Load::All => locals.iter_mut().for_each(|mut local| *local = moved(*local)),
        Load::None => {}
        Load::Few => {
            for entity in &entities {
                let mut local = locals.get_mut(*entity).expect("nodes live");
                *local = moved(*local);
            }
        }
    });
    propagating.add_systems((mark_dirty_trees, propagate_parent_transforms, sync_simple_transforms).chain());
    let mut frame = move |world: &mut World| {
        let start = Instant::now();
        moving.run(world);
        let between = Instant::now();
        propagating.run(world);
        (start.elapsed(), between.elapsed())
    };
    (0..FIRST_FRAMES).for_each(|_| _ = frame(&mut world));
    let mut globals = world.query::<&GlobalTransform>();
    let sum = checksum(globals.iter(&world));
    let sample = move || {
        let mut nanos = [0, 0];
        for _ in 0..FRAMES {
            let (all, alone) = frame(&mut world);
            nanos[0] += all.as_nanos();
            nanos[1] += alone.as_nanos();
        }
        let [frame, alone] = nanos.map(|nanos| nanos as f64 / FRAMES as f64 / 1000.0);
        Sample { alone, frame }
    };
    (sample, sum)
}
