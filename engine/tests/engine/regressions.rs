//! What a review found once, each with the smallest world that showed it.
use bevy_ecs::component::Component;
use bevy_ecs::world::EntityMutExcept;
use diptych_engine::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Position(f64);
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Velocity(f64);
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Tag;
#[derive(Component, Default, Clone)]
struct Cache(#[expect(dead_code, reason = "only its type matters")] u32);

fn base(builder: EngineBuilder) -> EngineBuilder {
    builder.state::<Position>("motion.position", 1).state::<Velocity>("motion.velocity", 1)
}

fn spawn(builder: EngineBuilder, n: u32) -> EngineBuilder {
    builder.setup("setup", move |structure| {
        for n in 0..n {
            structure.spawn((Position(f64::from(n)), Velocity(1.0)));
        }
    })
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Sum(f64);

mod frames;
mod phases;
mod rows;
mod scratch;
#[cfg(feature = "store")]
mod stored;
