//! The tree against a naive one: a vector of children for each parent.

use super::{Change, Name, builder, change, children};
use diptych_engine::prelude::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Every name that lives, with its children.
#[derive(Default)]
struct Naive(BTreeMap<u64, Vec<u64>>);

impl Naive {
    fn below(&self, root: u64) -> Vec<u64> {
        let children = self.0[&root].iter().flat_map(|child| self.below(*child));
        [root].into_iter().chain(children).collect()
    }

    fn apply(&mut self, change: Change) {
        let Change { kind, child, parent, index } = change;
        match kind {
            0 => drop(self.0.entry(child).or_default()),
            _ if !self.0.contains_key(&child) => {}
            1 if !self.0.contains_key(&parent) || self.below(child).contains(&parent) => {}
            1 => {
                self.detach(child);
                let siblings = self.0.get_mut(&parent).expect("alive");
                siblings.insert(siblings.len().min(index as usize), child);
            }
            2 => self.detach(child),
            _ => {
                self.detach(child);
                self.below(child).iter().for_each(|gone| drop(self.0.remove(gone)));
            }
        }
    }

    fn detach(&mut self, child: u64) {
        self.0.values_mut().for_each(|children| children.retain(|other| *other != child));
    }
}

fn some_change() -> impl Strategy<Value = Change> {
    let name = 0_u64..12;
    prop_oneof![
        6 => (name.clone(), name.clone(), 0_u64..6).prop_map(|(child, parent, index)| Change::attach_at(child, parent, index)),
        4 => (name.clone(), name.clone()).prop_map(|(child, parent)| Change::attach(child, parent)),
        2 => name.clone().prop_map(Change::detach),
        1 => name.prop_map(Change::despawn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Any changes: the same children in the same order, the same who lives, parents that agree, and the
    /// same again after a restart in between.
    #[test]
    fn the_tree_is_the_naive_one(frames in prop::collection::vec(prop::collection::vec(some_change(), 1..8), 1..12)) {
        let mut engine = builder(Engine::in_memory()).build().expect("a sound world");
        let mut naive = Naive::default();
        for changes in &frames {
            // Who has died is spawned again, under the old name.
            let missing = (0..12).filter(|name| !naive.0.contains_key(name)).map(Change::spawn);
            let changes: Vec<Change> = missing.chain(changes.iter().copied()).collect();
            changes.iter().for_each(|change| naive.apply(*change));
            change(&mut engine, &changes);
            let view = engine.view();
            let mut alive: Vec<u64> = view.iter::<Name>().map(|(_, name)| name.0).collect();
            alive.sort_unstable();
            prop_assert_eq!(&alive, &naive.0.keys().copied().collect::<Vec<_>>());
            for (parent, expected) in &naive.0 {
                let found = children(&engine, *parent);
                prop_assert_eq!(found.as_ref(), Some(expected), "children of {}", parent);
            }
            for (id, _) in view.iter::<Name>() {
                for child in view.children(id) {
                    prop_assert_eq!(view.parent(child), Some(id));
                }
            }
        }
    }
}
