//! The system `event.topics`: gives out the places of a frame and fills the topics' mail.
//!
//! Invariant: what it makes follows from the committed frame and what was published in this one, in an order by
//! names. Every event it takes is in some mail or held when it is done, never both. It costs what was published
//! and what is unheard; topics that nobody speaks on cost nothing.

use super::bus::Bus;
use super::index::{Index, Topics};
use bevy_ecs::entity::Entity;
use diptych_components::event::{Event, Events, Held, Topic, TopicMail, Unheard};
use diptych_engine::prelude::*;

/// The topics as their owner sees them.
type Mails<'w, 's> = Query<'w, 's, (Next<TopicMail>, Next<Unheard>)>;

pub(super) fn fill(
    bus: Res<'_, Bus>,
    clock: Clock,
    (topics, changes): (Topics<'_, '_>, Changes<'_, '_, TopicMail>),
    mut mails: Mails<'_, '_>,
    mut held: Query<'_, '_, Next<Held>>,
    mut structure: Structure<'_, '_>,
    mut line: Local<'_, Vec<Event>>,
) {
    let mut index = bus.index(&topics);
    let taken = if clock.is_still() && bus.has_resting() {
        keep_unheard(&mut index, &changes, &mut mails);
        index.unheard
    } else {
        forget_unheard(&mut index, &mut mails);
        0
    };
    line.clear();
    line.extend(held.iter().flat_map(|held| held.events().iter().cloned()));
    let waited = !line.is_empty();
    bus.drain(&mut line);
    if line.is_empty() {
        return;
    }
    let places = (bus.limit() as usize).saturating_sub(taken).min(line.len());
    let rest = Events::from(line.split_off(places));
    if waited || !rest.is_empty() {
        hold(Held::new(rest), &mut held, &mut structure);
    }
    deliver(&mut line, &mut index, &mut mails, &mut structure);
}

/// After a still frame the last mail waits for the systems that rested.
fn keep_unheard(index: &mut Index, changes: &Changes<'_, '_, TopicMail>, mails: &mut Mails<'_, '_>) {
    for entity in changes.entities() {
        let Ok((mail, mut unheard)) = mails.get_mut(entity) else { continue };
        if mail.prev().0.is_empty() {
            continue;
        }
        if unheard.prev().0.is_empty() {
            index.backlog.push(entity);
        }
        index.unheard += mail.prev().0.len();
        let all: Vec<Event> = unheard.prev().0.iter().chain(mail.prev().0.iter()).cloned().collect();
        unheard.set(Unheard(all.into()));
    }
}

/// In a step everybody hears everything.
fn forget_unheard(index: &mut Index, mails: &mut Mails<'_, '_>) {
    index.unheard = 0;
    for entity in index.backlog.drain(..) {
        if let Ok((_, mut unheard)) = mails.get_mut(entity) {
            unheard.set(Unheard::default());
        }
    }
}

/// Keeps what has no place in this frame, on the one entity that does.
fn hold(rest: Held, held: &mut Query<'_, '_, Next<Held>>, structure: &mut Structure<'_, '_>) {
    match held.iter_mut().next() {
        Some(mut row) => row.set(rest),
        None => {
            structure.spawn((rest,));
        }
    }
}

/// Puts each event into the mail of its topic, which is spawned where it is spoken on for the first time.
fn deliver(
    line: &mut Vec<Event>,
    index: &mut Index,
    mails: &mut Mails<'_, '_>,
    structure: &mut Structure<'_, '_>,
) {
    // The topics in the order of their first events, which is the order in which new ones are spawned.
    let mut spoken: Vec<u32> = Vec::new();
    let mut places: Vec<u32> = Vec::with_capacity(line.len());
    for event in line.iter() {
        let place = index.place(event.topic());
        let entry = &mut index.entries[place as usize];
        if entry.arrived == 0 {
            entry.batch = spoken.len() as u32;
            spoken.push(place);
        }
        entry.arrived += 1;
        places.push(entry.batch);
    }
    let arrived = spoken.iter().map(|place| index.entries[*place as usize].arrived as usize);
    let mut batches: Vec<Vec<Event>> = arrived.map(Vec::with_capacity).collect();
    for (event, batch) in line.drain(..).zip(places) {
        batches[batch as usize].push(event);
    }
    for (place, events) in spoken.into_iter().zip(batches) {
        let entry = &mut index.entries[place as usize];
        entry.arrived = 0;
        let mail = TopicMail(events.into());
        match entry.entity.and_then(|entity| mails.get_mut(entity).ok()) {
            Some((mut row, _)) => row.set(mail),
            None => entry.entity = Some(spawn(structure, entry.topic, mail)),
        }
    }
}

fn spawn(structure: &mut Structure<'_, '_>, topic: Topic, mail: TopicMail) -> Entity {
    structure.spawn((topic, mail, Unheard::default())).entity
}
