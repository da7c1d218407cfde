//! What the program of a seed is: its systems with their numbers, and what each does to what it sees.
//!
//! Invariant: pure functions of what they are given; nothing here knows how values are kept, when they are seen, in
//! which order commands are carried out or which `Id` a spawn gets. That is the engine's, and the model's, who both
//! obey these rules.

use crate::torture::values::{Dice, Ty, mix};
use std::collections::BTreeMap;

/// The kinds of systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Gold,
    Pair,
    Text,
    Flash,
    Sum,
    Ask,
    Echo,
    Follow,
    Kin,
    Purse,
    SendOne,
    SendTwo,
    Birth,
    Death,
    MorphOne,
    MorphTwo,
    Hitch,
}

pub(crate) const KINDS: [Kind; 17] = [
    Kind::Gold,
    Kind::Pair,
    Kind::Text,
    Kind::Flash,
    Kind::Sum,
    Kind::Ask,
    Kind::Echo,
    Kind::Follow,
    Kind::Kin,
    Kind::Purse,
    Kind::SendOne,
    Kind::SendTwo,
    Kind::Birth,
    Kind::Death,
    Kind::MorphOne,
    Kind::MorphTwo,
    Kind::Hitch,
];

/// A system of a program.
#[derive(Clone, Debug)]
pub(crate) struct Sys {
    pub(crate) name: String,
    pub(crate) every: u32,
    pub(crate) answering: bool,
    /// Whether its loop is a parallel one.
    pub(crate) parallel: bool,
    pub(crate) k: [u64; 3],
}

/// The program of a seed.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) seed: u64,
    /// Entities that the setup makes.
    pub(crate) rows: u64,
    /// Entities from which on births stop.
    pub(crate) rows_max: u64,
    pub(crate) frames: u64,
    pub(crate) systems: BTreeMap<Kind, Sys>,
    /// Whether the types of a part are registered at all.
    pub(crate) types: Vec<Ty>,
    pub(crate) setup: String,
    pub(crate) order: String,
}

/// Who a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Id(u64),
    /// The n-th that the same list of commands spawns.
    Born(usize),
}

/// A command of structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cmd {
    /// A shape from 0 to 3, with this value in all of it.
    Spawn(u64, u64),
    Despawn(Who),
    Insert(Who, Ty, u64),
    Remove(Who, Ty),
    Attach(Who, Who, u32),
    Detach(Who),
}

/// What an owner does to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Set(u64),
    SetIfChanged(u64),
    Carry,
    Leave,
}

/// The types in a spawn of this shape.
pub(crate) fn shape(shape: u64) -> &'static [Ty] {
    match shape % 4 {
        0 => &[Ty::Gold],
        1 => &[Ty::Gold, Ty::Tag],
        2 => &[Ty::Gold, Ty::Pair, Ty::Mood],
        _ => &[],
    }
}

/// What one row of `Morph` sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) tag: bool,
    pub(crate) mood: bool,
    pub(crate) text: bool,
    pub(crate) pair: bool,
}

impl Program {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "program");
        let rows = match dice.below(20) {
            0 => 200 + dice.below(400),
            1 => 0,
            _ => 3 + dice.below(60),
        };
        let frames = if rows > 100 { 10 + dice.below(20) } else { 15 + dice.below(70) };
        let optional = [Ty::Flash, Ty::Sum, Ty::Ask, Ty::Echo, Ty::Kin, Ty::Purse];
        let mut types = vec![Ty::Gold, Ty::Pair, Ty::Text, Ty::Tag, Ty::Mood, Ty::Follow];
        types.extend(optional.into_iter().filter(|_| !dice.one_in(4)));
        let needs = |kind| match kind {
            Kind::Flash => Some(Ty::Flash),
            Kind::Sum => Some(Ty::Sum),
            Kind::Ask => Some(Ty::Ask),
            Kind::Echo => Some(Ty::Echo),
            Kind::Kin | Kind::Hitch => Some(Ty::Kin),
            Kind::Purse | Kind::SendOne | Kind::SendTwo => Some(Ty::Purse),
            _ => None,
        };
        let mut systems = BTreeMap::new();
        for kind in KINDS {
            // Throws its dice whether it is there or not, so that taking one away leaves the others alone.
            let sys = Self::system(&mut dice, kind);
            let registered = needs(kind).is_none_or(|ty| types.contains(&ty));
            let wanted = !dice.one_in(10) || matches!(kind, Kind::Ask | Kind::Purse);
            if registered && wanted {
                systems.insert(kind, sys);
            }
        }
        // Names decide orders and Ids; a digit keeps apart from those of kinds.
        let setup = format!("{}1.setup", letter(&mut dice));
        let order = format!("{}2.order", letter(&mut dice));
        Self { seed, rows, rows_max: rows + 30 + dice.below(40), frames, systems, types, setup, order }
    }

    fn system(dice: &mut Dice, kind: Kind) -> Sys {
        Sys {
            name: format!("{}.{}", letter(dice), format!("{kind:?}").to_lowercase()),
            every: if dice.one_in(4) { 1 + dice.below(4) as u32 } else { 1 },
            answering: kind == Kind::Ask || dice.one_in(6),
            parallel: dice.one_in(2),
            k: [dice.bits(), dice.bits(), dice.bits()],
        }
    }

    pub(crate) fn has(&self, ty: Ty) -> bool {
        self.types.contains(&ty)
    }

    pub(crate) fn trees(&self) -> bool {
        self.has(Ty::Kin)
    }

    pub(crate) fn answers(&self) -> bool {
        self.systems.values().any(|sys| sys.answering)
    }

    /// What the setup issues.
    pub(crate) fn setup(&self) -> Vec<Cmd> {
        let mut dice = Dice::new(self.seed, "setup");
        let mut list = Vec::new();
        for n in 0..self.rows as usize {
            list.push(Cmd::Spawn(dice.bits(), n as u64));
            self.dress(&mut list, &mut dice, n, n % 4 == 3);
            if self.trees() && n > 0 && dice.one_in(4) {
                list.push(Cmd::Attach(Who::Born(n), Who::Born(dice.below(n as u64) as usize), u32::MAX));
            }
        }
        list
    }

    /// Gives types to an entity that has just been spawned.
    fn dress(&self, list: &mut Vec<Cmd>, dice: &mut Dice, born: usize, richly: bool) {
        let extras = [Ty::Text, Ty::Flash, Ty::Sum, Ty::Ask, Ty::Echo, Ty::Follow, Ty::Kin, Ty::Purse];
        for ty in extras.into_iter().filter(|ty| self.has(*ty)) {
            if dice.one_in(if richly { 2 } else { 4 }) {
                list.push(Cmd::Insert(Who::Born(born), ty, dice.below(1000)));
            }
        }
    }

    pub(crate) fn birth(&self, sys: &Sys, frame: u64, bits: u64, ids: &[u64]) -> Vec<Cmd> {
        let mut dice = Dice::new(mix(bits, frame), "birth");
        let mut list = Vec::new();
        if ids.len() as u64 >= self.rows_max || dice.one_in(2) {
            return list;
        }
        for n in 0..dice.below(2 + sys.k[0] % 5) as usize {
            list.push(Cmd::Spawn(dice.bits(), dice.bits() >> 40));
            self.dress(&mut list, &mut dice, n, false);
            if self.trees() && !ids.is_empty() && dice.one_in(3) {
                list.push(Cmd::Attach(Who::Born(n), Who::Id(*dice.pick(ids)), dice.below(3) as u32));
            }
            if dice.one_in(9) {
                list.push(Cmd::Despawn(Who::Born(n)));
            }
        }
        list
    }

    pub(crate) fn death(&self, sys: &Sys, frame: u64, bits: u64, ids: &[u64]) -> Vec<Cmd> {
        let mut dice = Dice::new(mix(bits, frame), "death");
        let mut list = Vec::new();
        let many = ids.len() as u64 > self.rows;
        if ids.is_empty() || !many && !dice.one_in(3 + sys.k[0] % 5) {
            return list;
        }
        for _ in 0..=dice.below(1 + sys.k[1] % 4) {
            let who = Who::Id(*dice.pick(ids));
            list.push(Cmd::Despawn(who));
            match dice.below(6) {
                0 => list.push(Cmd::Despawn(who)),
                1 => list.push(Cmd::Insert(who, Ty::Tag, 7)),
                _ => {}
            }
        }
        list
    }

    /// What `Morph` does to one row: only types without an owner are inserted over a value. `One` inserts and
    /// removes owned ones too.
    pub(crate) fn morph(&self, kind: Kind, sys: &Sys, frame: u64, id: u64, shape: Shape) -> Vec<Cmd> {
        let hash = mix(mix(id, frame), sys.k[0]);
        let who = Who::Id(id);
        // A hash that both share: they meet on the same rows.
        let meets = mix(id, frame).is_multiple_of(11);
        if meets {
            return vec![Cmd::Insert(who, Ty::Tag, hash >> 32), Cmd::Insert(who, Ty::Mood, hash >> 50)];
        }
        match hash % 17 {
            0 if shape.tag => vec![Cmd::Remove(who, Ty::Tag)],
            1 if shape.mood => vec![Cmd::Remove(who, Ty::Mood), Cmd::Insert(who, Ty::Tag, hash >> 60)],
            2 => vec![Cmd::Insert(who, Ty::Mood, hash >> 30)],
            3 if kind == Kind::MorphOne && !shape.text => vec![Cmd::Insert(who, Ty::Text, hash >> 40)],
            4 if kind == Kind::MorphOne && shape.text => vec![Cmd::Remove(who, Ty::Text)],
            5 if kind == Kind::MorphOne && !shape.pair => vec![Cmd::Insert(who, Ty::Pair, hash >> 40)],
            6 if kind == Kind::MorphOne && shape.pair => vec![Cmd::Remove(who, Ty::Pair)],
            7 if kind == Kind::MorphOne && hash & 0x700_0000 == 0 => vec![Cmd::Remove(who, Ty::Gold)],
            _ => Vec::new(),
        }
    }

    pub(crate) fn hitch(&self, sys: &Sys, frame: u64, bits: u64, ids: &[u64]) -> Vec<Cmd> {
        let mut dice = Dice::new(mix(bits, frame), "hitch");
        let mut list = Vec::new();
        if ids.is_empty() {
            return list;
        }
        for _ in 0..=dice.below(1 + sys.k[0] % 4) {
            let (a, b) = (Who::Id(*dice.pick(ids)), Who::Id(*dice.pick(ids)));
            list.push(match dice.below(6) {
                0 => Cmd::Detach(a),
                1 => Cmd::Attach(a, b, dice.below(3) as u32),
                2 => Cmd::Attach(a, Who::Id(bits), u32::MAX),
                _ => Cmd::Attach(a, b, u32::MAX),
            });
        }
        list
    }
}

fn letter(dice: &mut Dice) -> char {
    char::from(b'a' + dice.below(26) as u8)
}

pub(crate) fn gold(sys: &Sys, id: u64, frame: u64, value: u64, tag: Option<u64>, random: u64) -> Act {
    if sys.k[2].is_multiple_of(4) {
        return Act::Set(value.wrapping_add(tag.unwrap_or(1)));
    }
    match mix(mix(id, frame), sys.k[0]) % (4 + sys.k[1] % 12) {
        0 => Act::Set(mix(value, tag.unwrap_or(1))),
        1 => Act::SetIfChanged(value & !0xff),
        2 => Act::Carry,
        3 => Act::Set(random),
        _ => Act::Leave,
    }
}

/// `None` carries.
pub(crate) fn pair(sys: &Sys, id: u64, step: u64, [a, b]: [u64; 2], gold: Option<u64>) -> Option<[u64; 2]> {
    (!mix(id, step ^ sys.k[0]).is_multiple_of(3))
        .then(|| [a.wrapping_add(b ^ step), mix(b, gold.unwrap_or(9))])
}

pub(crate) fn text(sys: &Sys, id: u64, frame: u64, gold: Option<u64>) -> Act {
    match mix(mix(id, frame), sys.k[0]) % 5 {
        0 => Act::Set(gold.unwrap_or(3) % 1000),
        1 => Act::SetIfChanged(gold.unwrap_or(4) % 3),
        2 => Act::Carry,
        _ => Act::Leave,
    }
}

pub(crate) fn flash(sys: &Sys, id: u64, frame: u64, before: u64, random: u64) -> Option<u64> {
    mix(mix(id, frame), sys.k[0]).is_multiple_of(3).then(|| mix(before, random) | 1)
}

pub(crate) fn sum([a, _]: [u64; 2], now: u64, set: u64) -> [u64; 2] {
    [a.wrapping_mul(3).wrapping_add(now), set]
}

pub(crate) fn ask(before: u64, step: u64, frame: u64, tag: Option<u64>) -> u64 {
    mix(before ^ step, frame ^ tag.unwrap_or(0))
}

/// `seen`: sums over what changed, was added, was removed, and the fresh values.
pub(crate) fn echo(before: [u64; 4], seen: [u64; 4]) -> [u64; 4] {
    core::array::from_fn(|n| if seen[n] == 0 { before[n] } else { mix(before[n], seen[n]) })
}

pub(crate) fn follow(
    sys: &Sys,
    id: u64,
    step: u64,
    [target, _]: [u64; 2],
    seen: Option<u64>,
    random: u64,
    ids: &[u64],
) -> Option<[u64; 2]> {
    let hash = mix(mix(id, step), sys.k[0]);
    let moved = hash.is_multiple_of(4) && !ids.is_empty();
    let target = if moved { ids[(random % ids.len() as u64) as usize] } else { target };
    (hash % 4 < 2).then(|| [target, seen.unwrap_or(0)])
}

pub(crate) fn kin(parent: Option<u64>, ancestors: &[u64], children: &[u64], below: u64) -> u64 {
    let hash = ancestors.iter().fold(mix(parent.unwrap_or(5), below), |hash, id| mix(hash, *id));
    children.iter().fold(hash, |hash, id| mix(hash, *id))
}

pub(crate) fn send(sys: &Sys, id: u64, frame: u64, gold: u64, follow: Option<u64>) -> Vec<(u64, u64)> {
    let hash = mix(mix(id, frame), sys.k[0]);
    let mut mail = Vec::new();
    if let Some(target) = follow.filter(|_| hash % 4 < 3) {
        mail.push((target, mix(gold, 2)));
        if hash.is_multiple_of(5) {
            mail.push((target, mix(gold, 3)));
        }
    }
    if hash.is_multiple_of(7) {
        mail.push((id, hash));
    }
    mail
}

pub(crate) fn purse(before: u64, mail: impl Iterator<Item = (u64, u64)>, lost: u64) -> u64 {
    mail.fold(mix(before, lost), |hash, (sender, note)| mix(hash, sender ^ note.rotate_left(7)))
}
