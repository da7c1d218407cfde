//! What scratch may do beside rows.

use super::{Position, Tag};
use bevy_ecs::component::Component;
use bevy_ecs::lifecycle::HookContext;
use bevy_ecs::world::DeferredWorld;
use diptych_engine::prelude::*;

#[derive(Component, Default)]
struct Extra;

/// Scratch that moves its entity to another table behind the engine's back.
#[derive(Component, Default)]
#[component(on_add = moved)]
struct Moving;

fn moved(mut world: DeferredWorld<'_>, context: HookContext) {
    if context.entity.index_u32().is_multiple_of(2) {
        world.commands().entity(context.entity).insert(Extra);
    }
}

/// Rows move by the editor's hand only: a component whose hooks could move them is refused.
#[test]
fn scratch_with_hooks() {
    fn read(mut all: Query<(Id, Next<Position>)>, linked: Linked<Position>) {
        for (id, mut position) in &mut all {
            let value = linked.get(id).unwrap().0;
            assert_eq!(value, position.prev().0);
            position.set(Position(value + 1.0));
        }
    }
    let engine = Engine::in_memory()
        .state::<Position>("motion.position", 1)
        .state::<Tag>("tag", 1)
        .scratch::<Position, Moving>()
        .system("read", read)
        .setup("setup", |structure| {
            for n in 0..10 {
                structure.spawn((Position(f64::from(n)),));
            }
        })
        .build();
    let refused = engine.map(drop).unwrap_err().to_string();
    assert!(refused.contains("Moving") && refused.contains("has hooks"), "{refused}");
}
