//! The wave of the naive world: what every system that is due makes of the previous frame.
//!
//! Left out: what is done with it (see `edit` and `World::step`).

use super::{Letter, Row, World, random};
use crate::torture::rules::{self, Act, Cmd, Kind, Program, Shape, Sys};
use crate::torture::values::{Ty, Val, mix, text_of};
use std::collections::{BTreeMap, BTreeSet};

/// What a frame's systems have made.
pub(super) struct Made {
    pub(super) next: BTreeMap<u64, Row>,
    pub(super) gold_set: BTreeSet<u64>,
    pub(super) flash_set: BTreeSet<u64>,
    /// By the names of systems.
    pub(super) commands: BTreeMap<String, Vec<Cmd>>,
    pub(super) sent: Vec<Letter>,
    pub(super) mail_read: bool,
}

/// What the frame being made is called.
struct Now<'p> {
    program: &'p Program,
    still: bool,
    frame: u64,
    step: u64,
    moment: u64,
}

impl World {
    /// Runs the systems; nothing of the world is changed.
    pub(super) fn wave(&self, program: &Program, still: bool) -> Made {
        let frame = self.frame + 1;
        let step = frame - self.still - u64::from(still);
        let moment = if still { frame | 1 << 63 } else { step };
        let now = Now { program, still, frame, step, moment };
        let mut made = Made {
            next: self.rows.clone(),
            gold_set: BTreeSet::new(),
            flash_set: BTreeSet::new(),
            commands: BTreeMap::new(),
            sent: Vec::new(),
            mail_read: false,
        };
        self.own(&now, &mut made);
        self.own_more(&now, &mut made);
        self.command(&now, &mut made);
        self.write_letters(&now, &mut made);
        if let Some(sys) = self.due(program, Kind::Purse, still) {
            self.read_letters(sys, &mut made);
        }
        // After all others: it sees what they have made.
        if self.due(program, Kind::Sum, still).is_some() {
            let set = made.gold_set.len() as u64;
            for row in made.next.values_mut() {
                let (Some(sum), Some(gold)) = (row.get(&Ty::Sum), row.get(&Ty::Gold)) else { continue };
                let sum = rules::sum([sum.at(0), sum.at(1)], gold.word(), set);
                row.insert(Ty::Sum, Val::Words(sum.to_vec()));
            }
        }
        made
    }

    fn own(&self, now: &Now<'_>, made: &mut Made) {
        let due = |kind| self.due(now.program, kind, now.still);
        let dice = |sys: &Sys, id| random(now.program, now.moment, id, &sys.name);
        for (id, row) in &self.rows {
            let next = made.next.get_mut(id).expect("it is a copy");
            let gold = row.get(&Ty::Gold).map(Val::word);
            let tag = row.get(&Ty::Tag).map(Val::word);
            if let (Some(sys), Some(value)) = (due(Kind::Gold), gold) {
                let act = rules::gold(sys, *id, now.frame, value, tag, dice(sys, *id));
                let set = match act {
                    Act::Set(new) => Some(new),
                    Act::SetIfChanged(new) => Some(new).filter(|new| *new != value),
                    Act::Carry | Act::Leave => None,
                };
                if let Some(new) = set {
                    next.insert(Ty::Gold, Val::one(new));
                    made.gold_set.insert(*id);
                }
            }
            if let (Some(sys), Some(pair)) = (due(Kind::Pair), row.get(&Ty::Pair))
                && let Some(new) = rules::pair(sys, *id, now.step, [pair.at(0), pair.at(1)], gold)
            {
                next.insert(Ty::Pair, Val::Words(new.to_vec()));
            }
            if let (Some(sys), Some(_)) = (due(Kind::Text), row.get(&Ty::Text)) {
                match rules::text(sys, *id, now.frame, gold) {
                    Act::Set(new) | Act::SetIfChanged(new) => {
                        next.insert(Ty::Text, Val::Text(text_of(new)));
                    }
                    Act::Carry | Act::Leave => {}
                }
            }
            if let (Some(sys), Some(flash)) = (due(Kind::Flash), row.get(&Ty::Flash))
                && let Some(new) = rules::flash(sys, *id, now.frame, flash.word(), dice(sys, *id))
            {
                next.insert(Ty::Flash, Val::one(new));
                made.flash_set.insert(*id);
            }
            if let (Some(_), Some(ask)) = (due(Kind::Ask), row.get(&Ty::Ask)) {
                next.insert(Ty::Ask, Val::one(rules::ask(ask.word(), now.step, now.frame, tag)));
            }
        }
    }

    /// The owners that look beyond their own row.
    fn own_more(&self, now: &Now<'_>, made: &mut Made) {
        let due = |kind| self.due(now.program, kind, now.still);
        let golds = self.holders(Ty::Gold);
        let total =
            |ids: &mut dyn Iterator<Item = u64>| ids.fold(0_u64, |sum, id| sum.wrapping_add(mix(id, 1)));
        let fresh =
            self.fresh.iter().filter_map(|id| Some(mix(*id, self.rows.get(id)?.get(&Ty::Flash)?.word())));
        let seen = [
            total(&mut self.changed.iter().copied()),
            total(&mut self.added.iter().copied()),
            total(&mut self.removed.iter().copied()),
            total(&mut { fresh }),
        ];
        for (id, row) in &self.rows {
            let next = made.next.get_mut(id).expect("it is a copy");
            if let (Some(_), Some(echo)) = (due(Kind::Echo), row.get(&Ty::Echo)) {
                let before = core::array::from_fn(|n| echo.at(n));
                next.insert(Ty::Echo, Val::Words(rules::echo(before, seen).to_vec()));
            }
            if let (Some(sys), Some(follow)) = (due(Kind::Follow), row.get(&Ty::Follow)) {
                let there = self.rows.get(&follow.at(0)).and_then(|row| row.get(&Ty::Gold)).map(Val::word);
                let dice = random(now.program, now.moment, *id, &sys.name);
                let before = [follow.at(0), follow.at(1)];
                if let Some(new) = rules::follow(sys, *id, now.step, before, there, dice, &golds) {
                    next.insert(Ty::Follow, Val::Words(new.to_vec()));
                }
            }
            if let (Some(_), Some(_)) = (due(Kind::Kin), row.get(&Ty::Kin)) {
                let none = Vec::new();
                let children = self.children.get(id).unwrap_or(&none);
                let below = self.below(*id).len() as u64;
                let parent = self.parents.get(id).copied();
                next.insert(Ty::Kin, Val::one(rules::kin(parent, &self.ancestors(*id), children, below)));
            }
        }
    }

    fn command(&self, now: &Now<'_>, made: &mut Made) {
        let program = now.program;
        let golds = self.holders(Ty::Gold);
        for kind in [Kind::Birth, Kind::Death, Kind::Hitch, Kind::MorphOne, Kind::MorphTwo] {
            let Some(sys) = self.due(program, kind, now.still) else { continue };
            let bits = random(program, now.moment, 1, &sys.name);
            let commands = match kind {
                Kind::Birth => program.birth(sys, now.frame, bits, &golds),
                Kind::Death => program.death(sys, now.frame, bits, &golds),
                Kind::Hitch => program.hitch(sys, now.frame, bits, &golds),
                _ => {
                    let morph = |id: &u64| {
                        let row = &self.rows[id];
                        let has = |ty| row.contains_key(&ty);
                        let shape = Shape {
                            tag: has(Ty::Tag),
                            mood: has(Ty::Mood),
                            text: has(Ty::Text),
                            pair: has(Ty::Pair),
                        };
                        program.morph(kind, sys, now.frame, *id, shape)
                    };
                    golds.iter().flat_map(morph).collect()
                }
            };
            made.commands.insert(sys.name.clone(), commands);
        }
    }

    fn write_letters(&self, now: &Now<'_>, made: &mut Made) {
        for kind in [Kind::SendOne, Kind::SendTwo] {
            let Some(sys) = self.due(now.program, kind, now.still) else { continue };
            for (id, row) in &self.rows {
                let Some(gold) = row.get(&Ty::Gold) else { continue };
                let follow = row.get(&Ty::Follow).map(Val::word);
                for (target, note) in rules::send(sys, *id, now.frame, gold.word(), follow) {
                    let system = sys.name.clone();
                    made.sent.push(Letter { age: now.frame, system, sender: *id, target, note });
                }
            }
        }
    }

    /// Each target's mail by age, system and sender; what has no target is counted in by everybody.
    fn read_letters(&self, _: &Sys, made: &mut Made) {
        made.mail_read = true;
        let mut mail = self.mail.clone();
        // A stable sort: the letters of a sender stay in their order.
        mail.sort_by(|a, b| (a.age, &a.system, a.sender).cmp(&(b.age, &b.system, b.sender)));
        let lost = mail.iter().filter(|letter| !self.rows.contains_key(&letter.target));
        let lost =
            lost.fold(0_u64, |sum, letter| sum.wrapping_add(mix(letter.target ^ letter.sender, letter.note)));
        for (id, row) in &self.rows {
            let Some(purse) = row.get(&Ty::Purse) else { continue };
            let letters: Vec<(u64, u64)> = mail
                .iter()
                .filter(|letter| letter.target == *id)
                .map(|letter| (letter.sender, letter.note))
                .collect();
            if !letters.is_empty() {
                let next = made.next.get_mut(id).expect("it is a copy");
                next.insert(Ty::Purse, Val::one(rules::purse(purse.word(), letters.into_iter(), lost)));
            }
        }
    }
}
