//! The systems of a program, as an engine runs them: by plain loops or parallel ones, as its dice said.
//!
//! What they do to what they see is in `rules`.

use super::carry_out;
use crate::torture::rules::{self, Act, Kind, Program, Shape, Sys};
use crate::torture::values::{
    Ask, Echo, Flash, Follow, Gold, Kin, Mood, Note, Pair, Purse, Sum, Tag, Text, mix, text_of,
};
use diptych_engine::prelude::*;
use std::sync::Arc;

/// A system, and the program it belongs to.
#[derive(Clone)]
struct Part {
    program: Arc<Program>,
    sys: Sys,
    kind: Kind,
}

pub(super) fn register(mut builder: EngineBuilder, program: &Arc<Program>) -> EngineBuilder {
    for (kind, sys) in &program.systems {
        let part = Part { program: program.clone(), sys: sys.clone(), kind: *kind };
        builder = match kind {
            Kind::Gold => add(builder, &part, gold(part.clone())),
            Kind::Pair => add(builder, &part, pair(part.clone())),
            Kind::Text => add(builder, &part, text(part.clone())),
            Kind::Flash => add(builder, &part, flash(part.clone())),
            Kind::Sum => {
                let config = configured(&part, sum(part.clone()));
                builder.derive(&sys.name, config)
            }
            Kind::Ask => add(builder, &part, ask(part.clone())),
            Kind::Echo if program.has(crate::torture::values::Ty::Flash) => {
                add(builder, &part, echo_fresh(part.clone()))
            }
            Kind::Echo => add(builder, &part, echo(part.clone())),
            Kind::Follow => add(builder, &part, follow(part.clone())),
            Kind::Kin => add(builder, &part, kin(part.clone())),
            Kind::Purse => add(builder, &part, purse(part.clone())),
            Kind::SendOne | Kind::SendTwo => add(builder, &part, send(part.clone())),
            Kind::Birth | Kind::Death | Kind::Hitch => add(builder, &part, command(part.clone())),
            Kind::MorphOne | Kind::MorphTwo => add(builder, &part, morph(part.clone())),
        };
    }
    builder
}

fn configured<M>(part: &Part, system: impl IntoTask<M>) -> diptych_engine::SystemConfig {
    let config = system.every(part.sys.every);
    if part.sys.answering { config.answering() } else { config }
}

fn add<M>(builder: EngineBuilder, part: &Part, system: impl IntoTask<M>) -> EngineBuilder {
    let config = configured(part, system);
    builder.system(&part.sys.name, config)
}

fn gold(part: Part) -> impl FnMut(Query<(Id, Next<Gold>, Option<Prev<Tag>>)>, Clock, Random) {
    move |mut rows, clock, random| {
        let act = |id: Id, value: u64, tag: Option<&Tag>| {
            let dice = random.of(id).bits();
            rules::gold(&part.sys, id.bits(), clock.frame(), value, tag.map(|tag| tag.0), dice)
        };
        if part.sys.parallel {
            rows.par_rows(|(id, mut gold, tag)| match act(*id, gold.prev().0, tag) {
                Act::Set(new) => gold.set(Gold(new)),
                Act::SetIfChanged(new) => drop(gold.set_if_changed(Gold(new))),
                Act::Carry => gold.carry(),
                Act::Leave => {}
            });
        } else {
            for (id, mut gold, tag) in &mut rows {
                match act(id, gold.prev().0, tag) {
                    Act::Set(new) => gold.set(Gold(new)),
                    Act::SetIfChanged(new) => drop(gold.set_if_changed(Gold(new))),
                    Act::Carry => gold.carry(),
                    Act::Leave => {}
                }
            }
        }
    }
}

fn pair(part: Part) -> impl FnMut(Query<(Id, Next<Pair>, Option<Prev<Gold>>)>, Clock) {
    move |mut rows, clock| {
        let new = |id: Id, value: [u64; 2], gold: Option<&Gold>| {
            rules::pair(&part.sys, id.bits(), clock.step(), value, gold.map(|gold| gold.0))
        };
        if part.sys.parallel {
            rows.par_rows(|(id, mut pair, gold)| match new(*id, pair.prev().0, gold) {
                Some(new) => pair.set(Pair(new)),
                None => pair.carry(),
            });
        } else {
            for (id, mut pair, gold) in &mut rows {
                match new(id, pair.prev().0, gold) {
                    Some(new) => pair.set(Pair(new)),
                    None => pair.carry(),
                }
            }
        }
    }
}

fn text(part: Part) -> impl FnMut(Query<(Id, Next<Text>, Option<Prev<Gold>>)>, Clock) {
    move |mut rows, clock| {
        for (id, mut text, gold) in &mut rows {
            match rules::text(&part.sys, id.bits(), clock.frame(), gold.map(|gold| gold.0)) {
                Act::Set(new) => text.set(Text(text_of(new))),
                Act::SetIfChanged(new) => drop(text.set_if_changed(Text(text_of(new)))),
                Act::Carry => text.carry(),
                Act::Leave => {}
            }
        }
    }
}

fn flash(part: Part) -> impl FnMut(Query<(Id, Next<Flash>)>, Clock, Random) {
    move |mut rows, clock, random| {
        let new = |id: Id, before: u64| {
            rules::flash(&part.sys, id.bits(), clock.frame(), before, random.of(id).bits())
        };
        if part.sys.parallel {
            rows.par_rows(|(id, mut flash)| {
                if let Some(new) = new(*id, flash.prev().0) {
                    flash.set(Flash(new));
                }
            });
        } else {
            for (id, mut flash) in &mut rows {
                if let Some(new) = new(id, flash.prev().0) {
                    flash.set(Flash(new));
                }
            }
        }
    }
}

fn sum(part: Part) -> impl FnMut(Query<(Next<Sum>, Now<Gold>)>, NowChanges<Gold>) {
    move |mut rows, changes| {
        let set = changes.entities().len() as u64;
        if part.sys.parallel {
            rows.par_rows(|(mut sum, gold)| sum.set(Sum(rules::sum(sum.prev().0, gold.0, set))));
        } else {
            for (mut sum, gold) in &mut rows {
                sum.set_if_changed(Sum(rules::sum(sum.prev().0, gold.0, set)));
            }
        }
    }
}

fn ask(_: Part) -> impl FnMut(Query<(Next<Ask>, Option<Prev<Tag>>)>, Clock) {
    move |mut rows, clock| {
        rows.par_rows(|(mut ask, tag)| {
            let new = rules::ask(ask.prev().0, clock.step(), clock.frame(), tag.map(|tag| tag.0));
            ask.set(Ask(new));
        });
    }
}

fn total(ids: impl Iterator<Item = u64>) -> u64 {
    ids.fold(0, |sum, id| sum.wrapping_add(mix(id, 1)))
}

fn seen(changes: &Changes<'_, '_, Gold>, removed: &Removed<'_, Gold>, ids: &Query<'_, '_, Id>) -> [u64; 3] {
    let named =
        |entities: Vec<Entity>| total(entities.into_iter().map(|entity| ids.get(entity).map_or(0, Id::bits)));
    [named(changes.entities()), named(changes.added()), total(removed.ids().iter().map(|id| id.bits()))]
}

fn echo(_: Part) -> impl FnMut(Query<Next<Echo>>, Changes<Gold>, Removed<Gold>, Query<Id>) {
    move |mut rows, changes, removed, ids| {
        let [changed, added, removed] = seen(&changes, &removed, &ids);
        for mut echo in &mut rows {
            echo.set_if_changed(Echo(rules::echo(echo.prev().0, [changed, added, removed, 0])));
        }
    }
}

fn echo_fresh(
    _: Part,
) -> impl FnMut(Query<Next<Echo>>, Changes<Gold>, Removed<Gold>, Query<Id>, Query<(Id, Fresh<Flash>)>) {
    move |mut rows, changes, removed, ids, flashes| {
        let [changed, added, removed] = seen(&changes, &removed, &ids);
        let fresh = flashes.iter().filter_map(|(id, flash)| Some(mix(id.bits(), flash?.0)));
        let fresh = total(fresh);
        for mut echo in &mut rows {
            echo.set_if_changed(Echo(rules::echo(echo.prev().0, [changed, added, removed, fresh])));
        }
    }
}

fn sorted(ids: impl Iterator<Item = Id>) -> Vec<u64> {
    let mut ids: Vec<u64> = ids.map(Id::bits).collect();
    ids.sort_unstable();
    ids
}

fn follow(
    part: Part,
) -> impl FnMut(Query<(Id, Next<Follow>)>, Linked<Gold>, Query<Id, With<Gold>>, Clock, Random) {
    move |mut rows, golds, holders, clock, random| {
        let ids = sorted(holders.iter());
        for (id, mut follow) in &mut rows {
            let before = follow.prev().0;
            let there = golds.get(Id::from_bits(before[0])).map(|gold| gold.0);
            let dice = random.of(id).bits();
            if let Some(new) = rules::follow(&part.sys, id.bits(), clock.step(), before, there, dice, &ids) {
                follow.set(Follow(new));
            }
        }
    }
}

fn kin(_: Part) -> impl FnMut(Query<(Id, Next<Kin>)>, Tree) {
    move |mut rows, tree| {
        for (id, mut kin) in &mut rows {
            let ancestors: Vec<u64> = tree.ancestors(id).map(Id::bits).collect();
            let children: Vec<u64> = tree.children(id).map(Id::bits).collect();
            let below = tree.descendants(id).count() as u64;
            let parent = tree.parent(id).map(Id::bits);
            kin.set(Kin(rules::kin(parent, &ancestors, &children, below)));
        }
    }
}

fn purse(_: Part) -> impl FnMut(Query<Next<Purse>>, Inbox<Note>) {
    move |mut rows, notes| {
        let lost = notes.undeliverable().fold(0_u64, |sum, (target, sender, note)| {
            sum.wrapping_add(mix(target.bits() ^ sender.bits(), note.0))
        });
        notes.deliver(&mut rows, |mut purse, mail| {
            let letters = mail.iter().map(|(sender, note)| (sender.bits(), note.0));
            let new = rules::purse(purse.prev().0, letters, lost);
            purse.set(Purse(new));
        });
    }
}

fn send(part: Part) -> impl FnMut(Query<(Id, Prev<Gold>, Option<Prev<Follow>>)>, Outbox<Note>, Clock) {
    move |mut rows, mut notes, clock| {
        let mail = |id: Id, gold: &Gold, follow: Option<&Follow>| {
            rules::send(&part.sys, id.bits(), clock.frame(), gold.0, follow.map(|follow| follow.0[0]))
        };
        if part.sys.parallel {
            rows.par_rows_with(&mut notes, |(id, gold, follow), notes| {
                for (target, note) in mail(*id, gold, follow) {
                    notes.from(*id).to(Id::from_bits(target), Note(note));
                }
            });
        } else {
            for (id, gold, follow) in &rows {
                for (target, note) in mail(id, gold, follow) {
                    notes.from(id).to(Id::from_bits(target), Note(note));
                }
            }
        }
    }
}

fn command(part: Part) -> impl FnMut(Query<Id, With<Gold>>, Structure, Clock, Random) {
    move |holders, mut structure, clock, random| {
        let ids = sorted(holders.iter());
        let bits = random.stream(1).bits();
        let Part { program, sys, kind } = &part;
        let commands = match kind {
            Kind::Birth => program.birth(sys, clock.frame(), bits, &ids),
            Kind::Death => program.death(sys, clock.frame(), bits, &ids),
            _ => program.hitch(sys, clock.frame(), bits, &ids),
        };
        carry_out(&mut structure, &commands);
    }
}

fn morph(
    part: Part,
) -> impl FnMut(Query<(Id, Has<Tag>, Has<Mood>, Has<Text>, Has<Pair>), With<Gold>>, Structure, Clock) {
    move |rows, mut structure, clock| {
        for (id, tag, mood, text, pair) in &rows {
            let shape = Shape { tag, mood, text, pair };
            let commands = part.program.morph(part.kind, &part.sys, clock.frame(), id.bits(), shape);
            carry_out(&mut structure, &commands);
        }
    }
}
