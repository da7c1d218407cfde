//! The naive world: a map for the previous frame, a map for the next one, and sets of what happened.

use super::{Act, Board, KINDS, Kind, Op, Plan, Seen, flag, number, text};
use diptych_engine::prelude::Id;
use std::collections::{BTreeMap, BTreeSet};

/// An entity; numbers as bits, so that a NaN is itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) number: Option<u64>,
    pub(crate) text: Option<String>,
    pub(crate) flag: Option<u32>,
}

impl Row {
    fn holds(&self, kind: Kind) -> bool {
        match kind {
            Kind::Number => self.number.is_some(),
            Kind::Text => self.text.is_some(),
            Kind::Flag => self.flag.is_some(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Naive {
    pub(crate) prev: BTreeMap<Id, Row>,
    pub(crate) next: BTreeMap<Id, Row>,
    /// What happened in the last commit, as the next frame sees it.
    pub(crate) seen: Seen,
}

impl Naive {
    /// Frame 0 spawned these.
    pub(crate) fn set_up(&mut self, rows: &[(Id, f64)]) {
        for (id, number) in rows {
            self.next.insert(*id, Row { number: Some(number.to_bits()), ..Row::default() });
            self.mark(*id, Kind::Number, true);
        }
        self.prev = self.next.clone();
    }

    /// Takes out of a plan what the contract refuses or leaves open: commands that insert over a type that
    /// another system owns, and a second act on one row.
    pub(crate) fn allow(&self, plan: &mut Plan) {
        let alive: Vec<Id> = self.prev.keys().copied().collect();
        let id = |place: u8| (!alive.is_empty()).then(|| alive[usize::from(place) % alive.len()]);
        let mut acted = BTreeSet::new();
        plan.acts.retain(|(target, kind, ..)| acted.insert((id(*target), *kind)));
        let held =
            |kind| alive.iter().filter(move |id| self.prev[*id].holds(kind)).map(move |id| (*id, kind));
        let mut held: BTreeSet<(Id, Kind)> = KINDS.into_iter().flat_map(held).collect();
        plan.structure.retain(|op| match *op {
            Op::Insert(target, kind, _) if kind != Kind::Flag => {
                id(target).is_some_and(|id| held.insert((id, kind)))
            }
            Op::Remove(target, kind) => {
                if let Some(id) = id(target) {
                    held.remove(&(id, kind));
                }
                true
            }
            _ => true,
        });
    }

    /// The frame that the board tells of.
    pub(crate) fn step(&mut self, board: &Board) {
        self.seen = Seen::default();
        self.next = self.prev.clone();
        self.act(board);
        let mut spawned = board.spawned.iter();
        for op in &board.plan.structure {
            self.change(board, *op, &mut spawned);
        }
        assert!(spawned.next().is_none(), "every spawn is told of once");
        let mut spawned = board.spawned_by_inputs.iter();
        for op in &board.plan.inputs {
            self.change(board, *op, &mut spawned);
        }
        self.prev = self.next.clone();
    }

    /// What the owners do: every row keeps its last value unless it is set.
    fn act(&mut self, board: &Board) {
        for (target, kind, act, value) in &board.plan.acts {
            let Some(id) = board.target(*target) else { continue };
            let (Some(before), Some(row)) = (self.prev.get(&id), self.next.get_mut(&id)) else { continue };
            let set = match kind {
                Kind::Number if before.number.is_some() => {
                    let new = Some(number(*value).to_bits());
                    let set = *act == Act::Set || *act == Act::SetIfChanged && new != before.number;
                    row.number = if set { new } else { before.number };
                    set
                }
                Kind::Text if before.text.is_some() => {
                    let new = Some(text(*value));
                    let set = *act == Act::Set || *act == Act::SetIfChanged && new != before.text;
                    row.text = if set { new } else { before.text.clone() };
                    set
                }
                _ => continue,
            };
            if set {
                self.mark(id, *kind, false);
            }
        }
    }

    fn change<'a>(&mut self, board: &Board, op: Op, spawned: &mut impl Iterator<Item = &'a Id>) {
        match op {
            Op::Spawn(types, value) => {
                let id = *spawned.next().expect("every spawn is told of");
                assert!(!self.next.contains_key(&id) && !self.prev.contains_key(&id), "{id} is used twice");
                self.next.insert(id, Row::default());
                for kind in KINDS.into_iter().filter(|kind| types[*kind as usize]) {
                    self.put(id, kind, value);
                }
            }
            Op::Despawn(target) => {
                let Some(id) = board.target(target).filter(|id| self.next.contains_key(id)) else { return };
                for kind in KINDS {
                    if self.holds(id, kind) {
                        self.lose(id, kind);
                    }
                }
                self.next.remove(&id);
            }
            Op::Insert(target, kind, value) => {
                let Some(id) = board.target(target).filter(|id| self.next.contains_key(id)) else { return };
                self.put(id, kind, value);
            }
            Op::Remove(target, kind) => {
                let Some(id) = board.target(target).filter(|id| self.next.contains_key(id)) else { return };
                if self.holds(id, kind) {
                    self.lose(id, kind);
                    let row = self.next.get_mut(&id).expect("it is alive");
                    match kind {
                        Kind::Number => row.number = None,
                        Kind::Text => row.text = None,
                        Kind::Flag => row.flag = None,
                    }
                }
            }
        }
    }

    fn holds(&self, id: Id, kind: Kind) -> bool {
        self.next.get(&id).is_some_and(|row| row.holds(kind))
    }

    fn put(&mut self, id: Id, kind: Kind, value: u8) {
        let added = !self.holds(id, kind);
        let row = self.next.get_mut(&id).expect("it is alive");
        match kind {
            Kind::Number => row.number = Some(number(value).to_bits()),
            Kind::Text => row.text = Some(text(value)),
            Kind::Flag => row.flag = Some(flag(value)),
        }
        self.mark(id, kind, added);
    }

    fn mark(&mut self, id: Id, kind: Kind, added: bool) {
        self.seen.changed[kind as usize].insert(id);
        if added {
            self.seen.added[kind as usize].insert(id);
        }
    }

    fn lose(&mut self, id: Id, kind: Kind) {
        self.seen.changed[kind as usize].remove(&id);
        self.seen.added[kind as usize].remove(&id);
        self.seen.removed[kind as usize].push(id);
    }
}
