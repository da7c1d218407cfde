//! Attaching, detaching and despawning whole subtrees at the commit.
//!
//! Invariant: what would make somebody their own ancestor, or the child of nobody, is dropped and counted,
//! because two systems may each be right by the frame they saw. No recursion; a walk visits an entity once.

#![expect(unsafe_code, reason = "changes the index of children while it has the engine to itself")]

use super::{Parent, TreeIndex};
use crate::editor::{Doomed, Editor};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::id::Id;
use crate::registry::Registry;
use crate::structure::Target;
use bevy_ecs::entity::Entity;
use std::collections::BTreeSet;

/// Among its siblings, where a child goes: before the one of this index, or last.
pub(crate) type AttachAt = u32;

/// Why an attachment was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    child: Target,
    parent: Target,
    why: &'static str,
}

impl Editor<'_> {
    /// Makes `child` a child of `parent`, before its `at`-th child or as its last one. Answers whether it did.
    pub(crate) fn attach(&mut self, child: Target, parent: Target, at: AttachAt) -> Result<bool> {
        self.check_hierarchy()?;
        let Some(entity) = self.find(child) else {
            self.journal.dropped += 1;
            return Ok(false);
        };
        // A stranger's despawn of the parent would be refused.
        self.check_entity("attaches", entity)?;
        let Some(parent_entity) = self.find(parent) else {
            return Ok(self.refuse(child, parent, "the parent is gone"));
        };
        // Its owner's despawn would take a stranger's row along.
        self.check_entity("attaches to", parent_entity)?;
        let parent_id = self.id_of(parent_entity).expect("it was found");
        let child_id = self.id_of(entity).expect("it was found");
        if self.is_below(parent_id, child_id) {
            return Ok(self.refuse(child, parent, "the parent is the child or below it"));
        }
        let old = self.get::<Parent>(entity).copied();
        let mut moved = Vec::new();
        let tree = self.tree_mut();
        if let Some(old) = old {
            tree.remove(old.parent, old.place);
        }
        let place = tree.make_room(parent_id, at as usize, &mut moved);
        tree.insert(parent_id, place, child_id);
        for (sibling, place) in moved {
            let entity = self.find(Target::Id(sibling)).expect("children in the index live");
            self.put(entity, Parent { parent: parent_id, place })?;
        }
        self.put(entity, Parent { parent: parent_id, place })?;
        Ok(true)
    }

    /// Makes an entity nobody's child. Answers whether it was somebody's.
    pub(crate) fn detach(&mut self, child: Target) -> Result<bool> {
        self.check_hierarchy()?;
        let Some(entity) = self.find(child) else {
            self.journal.dropped += 1;
            return Ok(false);
        };
        self.check_entity("detaches", entity)?;
        let Some(old) = self.get::<Parent>(entity).copied() else { return Ok(false) };
        self.tree_mut().remove(old.parent, old.place);
        self.remove::<Parent>(entity)?;
        Ok(true)
    }

    /// Adds an entity that is about to go, and everybody below it, each once, parents first.
    pub(crate) fn doom(&self, target: Target, seen: &mut BTreeSet<Id>, doomed: &mut Vec<Doomed>) {
        let Some(first) = self.find(target).and_then(|entity| self.doomed_row(entity)) else { return };
        let tree = self.shared.tree.get();
        if tree.is_empty() {
            doomed.push(first);
            return;
        }
        let mut stack = vec![first.id];
        while let Some(id) = stack.pop() {
            // Who was seen was seen with everybody below.
            if !seen.insert(id) {
                continue;
            }
            let entity = self.find(Target::Id(id)).expect("children in the index live");
            doomed.extend(self.doomed_row(entity));
            let start = stack.len();
            stack.extend(tree.children(id));
            stack[start..].reverse();
        }
    }

    /// Takes entities that are about to go out of the index; their children go too.
    pub(crate) fn unlink(&mut self, doomed: &[Doomed]) {
        if self.shared.tree.get().is_empty() {
            return;
        }
        doomed.iter().for_each(|doomed| self.tree_mut().remove_all(doomed.id));
        for doomed in doomed {
            if let Some(old) = self.get::<Parent>(doomed.entity).copied() {
                self.tree_mut().remove(old.parent, old.place);
            }
        }
    }

    /// Whether `low` is `high`, or below it. Walks up from the one and down from the other in turn, so that
    /// the cost is that of the shorter way: a child without children is nobody's ancestor.
    fn is_below(&self, low: Id, high: Id) -> bool {
        if low == high {
            return true;
        }
        let mut down = self.shared.tree.get().descendants(high);
        let mut up = low;
        loop {
            match down.next() {
                None => return false,
                Some(id) if id == low => return true,
                Some(_) => {}
            }
            let entity = self.find(Target::Id(up));
            match entity.and_then(|entity| self.get::<Parent>(entity)) {
                None => return false,
                Some(parent) if parent.parent == high => return true,
                Some(parent) => up = parent.parent,
            }
        }
    }

    /// Writes or inserts the value.
    fn put(&mut self, entity: Entity, parent: Parent) -> Result<()> {
        if !self.set(entity, parent)? {
            return self.insert(entity, parent);
        }
        // No row has moved, but the order of who is derived from whom must be made again.
        let typed = self.world.resource::<Registry>().typed::<Parent>().expect("a value was written");
        let location = self.world.entities().get_spawned(entity).expect("a value was written");
        // SAFETY: the editor has the engine to itself.
        let marks = unsafe { typed.by_table.get_mut(location.table_id) };
        marks.expect("a value was written").version += 1;
        Ok(())
    }

    fn refuse(&mut self, child: Target, parent: Target, why: &'static str) -> bool {
        self.journal.attachments_refused += 1;
        self.journal.refusal = Some(Refusal { child, parent, why });
        false
    }

    fn check_hierarchy(&self) -> Result<()> {
        if self.world.resource::<Registry>().holds::<Parent>() {
            return Ok(());
        }
        Err(Error::NoHierarchy { system: self.acting.clone() })
    }

    fn tree_mut(&mut self) -> &mut TreeIndex {
        // SAFETY: the editor has the engine to itself, and the answer borrows the editor.
        unsafe { self.shared.tree.get_mut() }
    }
}

impl Frame {
    /// Counts what was refused since the last call, and says the last of it.
    pub(crate) fn note_refusals(&mut self) {
        if let Some(error) = self.journal.reserved.take() {
            let refused = core::mem::take(&mut self.journal.changes_refused);
            self.stats.changes_refused += refused;
            tracing::warn!(refused, "an input was refused a change: {error}");
        }
        let Some(Refusal { child, parent, why }) = self.journal.refusal.take() else { return };
        let refused = core::mem::take(&mut self.journal.attachments_refused);
        self.stats.attachments_refused += refused;
        tracing::warn!(refused, "{} was not attached to {}: {why}", name(child), name(parent));
    }
}

fn name(target: Target) -> String {
    match target {
        Target::Id(id) => id.to_string(),
        Target::Entity(entity) => entity.to_string(),
    }
}
