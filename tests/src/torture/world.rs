//! A program as an engine's world: registrations, setup, inputs, and what the world looks like from outside.
//!
//! Left out: the systems themselves (see `systems`).

mod systems;

use crate::torture::model::{Edit, Input, Row, What};
use crate::torture::rules::{Cmd, Kind, Program, Who, shape};
use crate::torture::values::{
    Ask, Echo, Flash, Follow, Gold, Kin, Mood, Note, Order, Pair, Purse, Sum, Tag, Text, TextCodec, Ty, Val,
    text_of, value_of,
};
use diptych_engine::prelude::*;
use diptych_engine::{Applier, Patch, Patching, State};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Registers everything.
pub(crate) fn register(builder: EngineBuilder, program: &Arc<Program>) -> EngineBuilder {
    let has = |ty| program.has(ty);
    let mut builder = builder
        .state::<Gold>("t.gold", 1)
        .state::<Pair>("t.pair", 1)
        .state_with::<Text, TextCodec>("t.text", 1)
        .state::<Tag>("t.tag", 1)
        .state::<Mood>("t.mood", 1)
        .state::<Follow>("t.follow", 1)
        .patches()
        .seed(program.seed)
        .dt(0.125);
    if program.systems.contains_key(&Kind::Pair) {
        builder = builder.strict::<Pair>();
    }
    if has(Ty::Flash) {
        builder = builder.transient::<Flash>("t.flash", 1);
    }
    if has(Ty::Sum) {
        builder = builder.state::<Sum>("t.sum", 1);
    }
    if has(Ty::Ask) {
        builder = builder.state::<Ask>("t.ask", 1);
    }
    if has(Ty::Echo) {
        builder = builder.state::<Echo>("t.echo", 1);
    }
    if has(Ty::Kin) {
        builder = builder.state::<Kin>("t.kin", 1).hierarchy();
    }
    if has(Ty::Purse) {
        builder = builder.state::<Purse>("t.purse", 1).message::<Note>("t.note", 1);
    }
    builder = systems::register(builder, program);
    let (at_setup, at_input) = (program.clone(), program.clone());
    builder.setup(&program.setup, move |structure| carry_out(structure, &at_setup.setup())).input::<Order>(
        &program.order,
        1,
        move |world, order| obey(&at_input, world, order),
    )
}

/// Sends what belongs to the frame to come; answers the patches that are under way.
pub(crate) fn send(engine: &Engine, inputs: &[Input]) -> Result<Vec<Patching>> {
    let queue = engine.inputs();
    let mut patching = Vec::new();
    for input in inputs {
        match input {
            Input::Order(order) => drop(queue.send("torture", &Order(*order))?),
            Input::Control(system, true, every) => {
                drop(queue.control("torture", &Control::every(system, *every))?);
            }
            Input::Control(system, ..) => drop(queue.control("torture", &Control::disable(system))?),
            Input::Patches(edits) => {
                let patches: Vec<Patch> = edits.iter().map(patch).collect();
                patching.push(queue.patch("torture", &patches)?);
            }
        }
    }
    Ok(patching)
}

fn patch(&Edit { what, id, ty, value }: &Edit) -> Patch {
    let (id, component, mut value) = (Id::from_bits(id), ty.stored(), value_of(ty, value).stored());
    match what {
        What::Set => Patch::Set { id, component, value },
        What::Add => Patch::Add { id, component, value: Some(value) },
        What::AddBlank => Patch::Add { id, component, value: None },
        What::Remove => Patch::remove(id, &component),
        What::Destroy => Patch::destroy(id),
        What::SetCut => {
            // Of a text the mark goes: what is left is none.
            value.remove(0);
            Patch::Set { id, component, value }
        }
        What::SetUnknown => Patch::Set { id, component: format!("{component}.unknown"), value },
    }
}

fn obey(program: &Program, world: &mut Applier<'_, '_>, Order([what, a, b, c]): Order) {
    let id = Id::from_bits(a);
    match what {
        0 => drop(world.set(id, Gold(b))),
        1 => drop(world.insert(id, Tag(b))),
        2 => drop(world.remove::<Tag>(id)),
        3 => drop(world.despawn(id)),
        4 => {
            world.spawn((Gold(b), Tag(b)));
        }
        5 if program.trees() => drop(world.attach_at(id, Id::from_bits(b), c as u32)),
        6 if program.trees() => drop(world.detach(id)),
        7 => drop(world.insert(id, Text(text_of(b)))),
        8 if program.has(Ty::Flash) => drop(world.set(id, Flash(b))),
        9 => drop(world.insert(id, Pair([b, b ^ 1]))),
        10 => drop(world.insert(id, Gold(b))),
        11 => drop(world.remove::<Gold>(id)),
        _ => {}
    }
}

/// Issues commands.
fn carry_out(structure: &mut Structure<'_, '_>, commands: &[Cmd]) {
    // Commands name who is spawned later, too; but the rules do not.
    let mut born: Vec<Id> = Vec::new();
    for command in commands {
        let of = |who: Who| match who {
            Who::Id(id) => Id::from_bits(id),
            Who::Born(n) => born[n],
        };
        match *command {
            Cmd::Spawn(form, value) => {
                let spawned = match shape(form) {
                    [] => structure.spawn(()),
                    [Ty::Gold] => structure.spawn((Gold(value),)),
                    [Ty::Gold, Ty::Tag] => structure.spawn((Gold(value), Tag(value))),
                    _ => structure.spawn((Mood(value), Gold(value), Pair([value, value ^ 1]))),
                };
                born.push(spawned.id);
            }
            Cmd::Despawn(who) => structure.despawn(of(who)),
            Cmd::Insert(who, ty, value) => insert(structure, of(who), ty, value),
            Cmd::Remove(who, ty) => match ty {
                Ty::Gold => structure.remove::<Gold>(of(who)),
                Ty::Pair => structure.remove::<Pair>(of(who)),
                Ty::Text => structure.remove::<Text>(of(who)),
                Ty::Tag => structure.remove::<Tag>(of(who)),
                Ty::Mood => structure.remove::<Mood>(of(who)),
                _ => unreachable!("no rule removes {ty:?}"),
            },
            Cmd::Attach(child, parent, at) if at == u32::MAX => structure.attach(of(child), of(parent)),
            Cmd::Attach(child, parent, at) => structure.attach_at(of(child), of(parent), at),
            Cmd::Detach(child) => structure.detach(of(child)),
        }
    }
}

fn insert(structure: &mut Structure<'_, '_>, id: Id, ty: Ty, value: u64) {
    match ty {
        Ty::Gold => structure.insert(id, Gold(value)),
        Ty::Pair => structure.insert(id, Pair([value, value ^ 1])),
        Ty::Text => structure.insert(id, Text(text_of(value))),
        Ty::Flash => structure.insert(id, Flash(value)),
        Ty::Tag => structure.insert(id, Tag(value)),
        Ty::Mood => structure.insert(id, Mood(value)),
        Ty::Sum => structure.insert(id, Sum([value, 0])),
        Ty::Ask => structure.insert(id, Ask(value)),
        Ty::Echo => structure.insert(id, Echo([value, 0, 0, 0])),
        Ty::Follow => structure.insert(id, Follow([value, 0])),
        Ty::Kin => structure.insert(id, Kin(value)),
        Ty::Purse => structure.insert(id, Purse(value)),
        Ty::Parent | Ty::Children | Ty::Control => unreachable!("no rule inserts {ty:?}"),
    }
}

/// Everything that can be seen of the committed world, as the model writes it.
pub(crate) fn look(engine: &Engine, program: &Program, expected: &BTreeMap<u64, Row>) -> BTreeMap<u64, Row> {
    let view = engine.view();
    let mut rows = BTreeMap::new();
    put::<Gold>(&mut rows, view, Ty::Gold, |value| Val::one(value.0));
    put::<Pair>(&mut rows, view, Ty::Pair, |value| Val::Words(value.0.to_vec()));
    put::<Text>(&mut rows, view, Ty::Text, |value| Val::Text(value.0.clone()));
    put::<Tag>(&mut rows, view, Ty::Tag, |value| Val::one(value.0));
    put::<Mood>(&mut rows, view, Ty::Mood, |value| Val::one(value.0));
    put::<Follow>(&mut rows, view, Ty::Follow, |value| Val::Words(value.0.to_vec()));
    put::<Control>(&mut rows, view, Ty::Control, |value| Val::Text(format!("{value:?}")));
    if program.has(Ty::Flash) {
        put::<Flash>(&mut rows, view, Ty::Flash, |value| Val::one(value.0));
    }
    if program.has(Ty::Sum) {
        put::<Sum>(&mut rows, view, Ty::Sum, |value| Val::Words(value.0.to_vec()));
    }
    if program.has(Ty::Ask) {
        put::<Ask>(&mut rows, view, Ty::Ask, |value| Val::one(value.0));
    }
    if program.has(Ty::Echo) {
        put::<Echo>(&mut rows, view, Ty::Echo, |value| Val::Words(value.0.to_vec()));
    }
    if program.has(Ty::Kin) {
        put::<Kin>(&mut rows, view, Ty::Kin, |value| Val::one(value.0));
    }
    if program.has(Ty::Purse) {
        put::<Purse>(&mut rows, view, Ty::Purse, |value| Val::one(value.0));
    }
    // An entity without a value is seen by its name only.
    for id in expected.keys().filter(|id| view.entity(Id::from_bits(**id)).is_some()) {
        rows.entry(*id).or_default();
    }
    if program.trees() {
        for (id, row) in &mut rows {
            let id = Id::from_bits(*id);
            if let Some(parent) = view.parent(id) {
                row.insert(Ty::Parent, Val::one(parent.bits()));
            }
            let children: Vec<u64> = view.children(id).map(|child| child.bits()).collect();
            if !children.is_empty() {
                row.insert(Ty::Children, Val::Words(children));
            }
        }
    }
    rows
}

fn put<T: State>(rows: &mut BTreeMap<u64, Row>, view: View<'_>, ty: Ty, write: impl Fn(&T) -> Val) {
    for (id, value) in view.iter::<T>() {
        rows.entry(id.bits()).or_default().insert(ty, write(value));
    }
}
