//! Links between entities, trees of them, and what children inherit.

mod hops;
mod model;
mod propagate;
mod trees;

use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;

/// What an entity is called in a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Name(u64);

/// A change of the tree, by names.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
struct Change {
    kind: u64,
    child: u64,
    parent: u64,
    index: u64,
}

impl Change {
    fn spawn(name: u64) -> Self {
        Self { kind: 0, child: name, parent: 0, index: 0 }
    }

    fn attach(child: u64, parent: u64) -> Self {
        Self::attach_at(child, parent, u64::from(u32::MAX))
    }

    fn attach_at(child: u64, parent: u64, index: u64) -> Self {
        Self { kind: 1, child, parent, index }
    }

    fn detach(child: u64) -> Self {
        Self { kind: 2, child, parent: 0, index: 0 }
    }

    fn despawn(child: u64) -> Self {
        Self { kind: 3, child, parent: 0, index: 0 }
    }
}

/// Changes on their way to the system that makes commands of them.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Wish(Id);

/// The entity called `name`.
fn named(view: &View<'_>, name: u64) -> Option<Id> {
    view.iter::<Name>().find(|(_, other)| other.0 == name).map(|(id, _)| id)
}

/// The names of the children, in order; `None` when the parent is not there.
fn children(engine: &Engine, parent: u64) -> Option<Vec<u64>> {
    let view = engine.view();
    let parent = named(&view, parent)?;
    let name = |child| view.get::<Name>(child).expect("children live").0;
    Some(view.children(parent).map(name).collect())
}

/// A world whose tree changes by inputs.
fn builder(builder: EngineBuilder) -> EngineBuilder {
    builder.state::<Name>("test.name", 1).hierarchy().input::<Change>("test.change", 1, |applier, change| {
        let find = |applier: &diptych_engine::Applier<'_, '_>, name: u64| {
            let ids = applier.ids::<Name>();
            ids.into_iter().find(|id| applier.get::<Name>(*id) == Some(&Name(name))).unwrap_or_default()
        };
        let (child, parent) = (find(applier, change.child), find(applier, change.parent));
        match change.kind {
            0 => drop(applier.spawn((Name(change.child),))),
            1 => drop(applier.attach_at(child, parent, change.index as u32)),
            2 => drop(applier.detach(child)),
            _ => drop(applier.despawn(child)),
        }
    })
}

/// Makes one frame with these changes.
fn change(engine: &mut Engine, changes: &[Change]) {
    for change in changes {
        engine.inputs().send("test", change).expect("a registered input");
    }
    engine.step().expect("a frame");
}
