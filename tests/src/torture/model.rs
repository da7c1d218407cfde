//! The naive world: maps, one thread, every value copied every frame. Each system reads the previous frame and
//! writes the next; then structure by the names of systems, then inputs, then mail.
//!
//! Invariant: no code of the engine decides anything here; only the text of a control is made by it. What systems
//! do to what they see is in `rules`; who sees what, and when, is here.

mod edit;
mod patch;
mod wave;

use crate::torture::rules::{Kind, Program, Sys};
use crate::torture::values::{Ty, Val};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64;

/// An entity's values.
pub(crate) type Row = BTreeMap<Ty, Val>;

/// A message under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    /// The frame in which it was sent.
    age: u64,
    system: String,
    sender: u64,
    target: u64,
    note: u64,
}

/// What is sent to the frame to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Order([u64; 4]),
    /// A system, whether it is on, and in which steps.
    Control(String, bool, u32),
    /// All of them, or none.
    Patches(Vec<Edit>),
}

/// One patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) what: What,
    pub(crate) id: u64,
    /// Nothing for whoever goes.
    pub(crate) ty: Ty,
    pub(crate) value: u64,
}

/// What a patch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Set,
    Add,
    /// Without a value.
    AddBlank,
    Remove,
    Destroy,
    /// Sets a byte less than a value has.
    SetCut,
    /// Sets a type that nobody knows.
    SetUnknown,
}

/// A world at a frame.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) frame: u64,
    /// Still frames among them.
    pub(crate) still: u64,
    pub(crate) rows: BTreeMap<u64, Row>,
    parents: BTreeMap<u64, u64>,
    children: BTreeMap<u64, Vec<u64>>,
    mail: Vec<Letter>,
    controls: BTreeMap<u64, (String, bool, u32)>,
    serials: BTreeMap<String, u64>,
    /// What happened to `Gold` in the last commit.
    changed: BTreeSet<u64>,
    added: BTreeSet<u64>,
    removed: Vec<u64>,
    /// Who has a fresh `Flash`.
    fresh: BTreeSet<u64>,
    /// Of the patches of the frame, in their order: whether they were refused.
    pub(crate) refused: Vec<bool>,
}

/// The `Id` of a name's n-th spawn: 20 bits of the name's hash, then the number.
pub(crate) fn id_of(name: &str, serial: u64) -> u64 {
    let key = (xxh3_64(name.as_bytes()) >> 44).max(1);
    (key << 44) | serial
}

/// SplitMix64 from a hash of seed, moment, key and system, as the documentation of `Random` says.
fn random(program: &Program, moment: u64, key: u64, system: &str) -> u64 {
    let system = ((xxh3_64(system.as_bytes()) >> 44) as u32).max(1);
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&program.seed.to_le_bytes());
    bytes.extend_from_slice(&moment.to_le_bytes());
    bytes.extend_from_slice(&key.to_le_bytes());
    bytes.extend_from_slice(&system.to_le_bytes());
    let mut z = xxh3_64(&bytes).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl World {
    /// Frame 0.
    pub(crate) fn new(program: &Program) -> Self {
        let mut world = Self::default();
        world.carry_out(&program.setup, &program.setup());
        world.blank_flashes_but_fresh();
        world.show_families();
        world
    }

    /// Makes a frame.
    pub(crate) fn step(&mut self, program: &Program, still: bool, inputs: &[Input]) {
        let made = self.wave(program, still);
        self.frame += 1;
        self.still += u64::from(still);
        (self.changed, self.added, self.removed, self.fresh) =
            (made.gold_set, BTreeSet::new(), Vec::new(), made.flash_set);
        self.refused.clear();
        self.rows = made.next;
        for (name, commands) in &made.commands {
            self.carry_out(name, commands);
        }
        inputs.iter().for_each(|input| self.obey(program, input));
        if made.mail_read {
            self.mail.clear();
        }
        self.mail.extend(made.sent);
        self.blank_flashes_but_fresh();
        self.show_families();
    }

    /// Living entities, the engine's own count of still frames among them.
    pub(crate) fn entities(&self) -> u64 {
        (self.rows.len() + usize::from(self.still > 0)) as u64
    }

    /// Whether a system has its turn.
    fn is_due(&self, sys: &Sys, still: bool) -> bool {
        let control = self.controls.values().find(|(name, ..)| *name == sys.name);
        let (enabled, every) = control.map_or((true, sys.every), |(_, enabled, every)| (*enabled, *every));
        let step = self.frame + 1 - self.still;
        enabled && if still { sys.answering } else { step.is_multiple_of(u64::from(every)) }
    }

    fn due<'p>(&self, program: &'p Program, kind: Kind, still: bool) -> Option<&'p Sys> {
        program.systems.get(&kind).filter(|sys| self.is_due(sys, still))
    }

    /// Entities that hold a type, by their `Id`s.
    pub(crate) fn holders(&self, ty: Ty) -> Vec<u64> {
        self.rows.iter().filter(|(_, row)| row.contains_key(&ty)).map(|(id, _)| *id).collect()
    }

    /// Ancestors of an entity, the parent first.
    fn ancestors(&self, id: u64) -> Vec<u64> {
        core::iter::successors(self.parents.get(&id), |id| self.parents.get(id)).copied().collect()
    }

    /// Everybody below an entity.
    fn below(&self, id: u64) -> Vec<u64> {
        let mut all = self.children.get(&id).cloned().unwrap_or_default();
        let mut at = 0;
        while at < all.len() {
            let more = self.children.get(&all[at]).cloned().unwrap_or_default();
            all.extend(more);
            at += 1;
        }
        all
    }

    /// A transient value lives for one frame.
    fn blank_flashes_but_fresh(&mut self) {
        for (id, row) in &mut self.rows {
            if row.contains_key(&Ty::Flash) && !self.fresh.contains(id) {
                row.insert(Ty::Flash, Val::one(0));
            }
        }
    }

    /// Writes parents, children and controls into the rows, where they are compared.
    fn show_families(&mut self) {
        for (id, row) in &mut self.rows {
            row.remove(&Ty::Parent);
            row.remove(&Ty::Children);
            if let Some(parent) = self.parents.get(id) {
                row.insert(Ty::Parent, Val::one(*parent));
            }
            if let Some(children) = self.children.get(id).filter(|children| !children.is_empty()) {
                row.insert(Ty::Children, Val::Words(children.clone()));
            }
        }
    }
}

/// The first difference between two worlds' rows, as a sentence; `None` where they are equal.
pub(crate) fn difference(expected: &BTreeMap<u64, Row>, found: &BTreeMap<u64, Row>) -> Option<String> {
    let name = |id: &u64| format!("{:05x}.{}", id >> 44, id & ((1 << 44) - 1));
    for (id, row) in expected {
        let Some(other) = found.get(id) else {
            return Some(format!("entity {} is missing; the model has {row:?}", name(id)));
        };
        for (ty, value) in row {
            match other.get(ty) {
                None => return Some(format!("entity {} has no {ty:?}; the model has {value:?}", name(id))),
                Some(found) if found != value => {
                    return Some(format!(
                        "entity {}, {ty:?}: it is {found:?}, the model has {value:?}",
                        name(id)
                    ));
                }
                Some(_) => {}
            }
        }
        if let Some((ty, value)) = other.iter().find(|(ty, _)| !row.contains_key(ty)) {
            return Some(format!("entity {} has {ty:?} {value:?}; the model has none", name(id)));
        }
    }
    let more = found.iter().find(|(id, _)| !expected.contains_key(id))?;
    Some(format!("entity {} is there with {:?}; the model has none", name(more.0), more.1))
}
