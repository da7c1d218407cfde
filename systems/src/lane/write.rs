//! What came of a frame's lanes, into the world: entries, scripts at rest, handlers, sessions, principals, events.
//!
//! Invariant: lanes are written in the order of their first scopes' names, each in the order in which it made its
//! changes; so new entities have the same `Id`s on any number of threads.

use super::Rows;
use super::collect::Agenda;
use super::floor::{Due, Floor, Ledger};
use super::host::Hearing;
use super::job::Lane;
use super::mirror::{Known, Mirror};
use super::request::{Ask, Change as PrincipalChange};
use super::work::{End, Ended};
use crate::kv::{Change, Update};
use diptych_components::event::Event;
use diptych_components::kv as data;
use diptych_components::principal::{GRANTS_MAX, Principal, Window};
use diptych_components::script::Handler;
use diptych_components::slp::Object;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Bytes of the scripts that a frame puts to rest. A lane has its share of them while it works, at least as much as
/// requests bring; what all lanes have together is looked at in their order. Whoever is beyond it ends with an ERROR,
/// since what it holds has no place in the frame's record.
pub const REST_BYTES_A_FRAME: usize = 1 << 30;

/// Everything of a frame.
pub(super) fn write(
    floor: &Floor,
    ledger: &mut Ledger,
    lanes: &mut [Lane],
    agenda: Agenda,
    rows: &mut Rows<'_, '_>,
) {
    let mut scribe = Scribe {
        rows,
        mirror: &mut ledger.mirror,
        answers: floor.spare_answers(lanes.iter().map(|lane| lane.ends.len()).sum()),
        changes: Vec::new(),
        touched: agenda.touched,
        rested: 0,
    };
    let mut events = Vec::new();
    let mut jobs = 0;
    for lane in lanes {
        scribe.entries(lane);
        jobs += core::mem::take(&mut lane.done);
        for end in lane.ends.drain(..) {
            scribe.end(end, &mut lane.traces.lines);
        }
        for hearing in lane.traces.hearing.drain(..) {
            match hearing {
                Hearing::On(handler) => scribe.handler(handler),
                Hearing::Off(session, channel, topic) => scribe.unsubscribe(&session, Some((channel, topic))),
            }
        }
        scribe.windows(lane);
        scribe.executions(&lane.traces.events);
        events.append(&mut lane.traces.events);
        lane.traces.line_bytes = 0;
        floor.log(&mut lane.traces.lines, core::mem::take(&mut lane.traces.lines_dropped));
    }
    for (to, result) in agenda.answers {
        scribe.answers.push(Due { to, result, publisher: None });
    }
    for session in agenda.over {
        scribe.close(&session, "its time is over");
    }
    for request in agenda.after {
        let result = scribe.administer(request.ask).unwrap_or_else(|message| Object::error(&message));
        scribe.answers.push(Due { to: request.to, result, publisher: None });
    }
    scribe.keep_sessions();
    let Scribe { mut answers, mut changes, .. } = scribe;
    floor.count(0, jobs);
    floor.later(&mut answers, &mut changes);
    if !events.is_empty() {
        floor.publish(events);
    }
}

struct Scribe<'a, 'w, 's> {
    rows: &'a mut Rows<'w, 's>,
    mirror: &'a mut Mirror,
    answers: Vec<Due>,
    changes: Vec<(Arc<str>, Vec<Update>)>,
    /// Sessions that may have begun or ceased to hold something.
    touched: BTreeSet<Arc<str>>,
    /// Bytes of the scripts that were put to rest.
    rested: usize,
}

impl Scribe<'_, '_, '_> {
    /// The entries that a lane has changed.
    fn entries(&mut self, lane: &mut Lane) {
        for (scope, overlay) in &mut lane.overlays {
            if overlay.is_empty() {
                continue;
            }
            let Rows { values, structure, .. } = &mut *self.rows;
            let updates: Vec<Update> = { overlay.drain() }
                .map(|change| {
                    match &change {
                        Change::Set { place, value, .. } => {
                            let mut row =
                                values.get_mut(place.entity).expect("the index knows committed entries");
                            row.set(data::Value::new(value));
                        }
                        Change::Remove { place, .. } => structure.despawn(place.id),
                        Change::Add { .. } => {}
                    }
                    change.placed(|key, value| {
                        let entry = data::Key { scope: scope.clone(), key: key.clone() };
                        let spawned = structure.spawn((entry, data::Value::new(value)));
                        (spawned.id, spawned.entity)
                    })
                })
                .collect();
            self.changes.push((scope.clone(), updates));
        }
        // A lane has other scopes in the next frame; the memory of one is kept.
        if lane.overlays.len() > 1 {
            lane.overlays.clear();
        }
    }

    /// A job's end: an answer, or a script at rest.
    fn end(&mut self, end: End, lines: &mut Vec<Vec<u8>>) {
        let End { seat, script, to, mut ended, published } = end;
        if let Ended::Rests(rests) = &ended {
            self.rested += rests.machine.len();
            if self.rested > REST_BYTES_A_FRAME {
                let message = format!(
                    "a frame puts at most {REST_BYTES_A_FRAME} bytes of scripts to rest; this one ends"
                );
                if to.is_none() {
                    // Nobody asked; it would be lost.
                    lines.push(format!("[session:{}] {message}", seat.session.id).into_bytes());
                }
                ended = Ended::Done(Object::error(&message));
            }
        }
        if script.is_some() {
            // It counted as one that rests as long as it ran.
            self.mirror.release(&seat.session.id);
        }
        match ended {
            Ended::Done(result) => {
                if let Some((id, _)) = script {
                    self.rows.structure.despawn(id);
                    self.touched.insert(seat.session.id.clone());
                }
                if let Some(to) = to {
                    let publisher = published.then(|| seat.session.id.clone());
                    self.answers.push(Due { to, result, publisher });
                }
            }
            Ended::Rests(rests) => {
                self.touched.insert(seat.session.id.clone());
                let (id, entity) = match script {
                    Some((id, entity)) => {
                        let row = self.rows.scripts.get_mut(entity);
                        row.expect("a script at rest is stored").set(rests.clone());
                        (id, entity)
                    }
                    None => {
                        let spawned = self.rows.structure.spawn((rests.clone(),));
                        (spawned.id, spawned.entity)
                    }
                };
                self.mirror.rest(id, entity, &rests, to);
            }
            Ended::Stays(rests) => {
                if let Some((id, entity)) = script {
                    self.mirror.rest(id, entity, &rests, to);
                }
            }
        }
    }

    fn handler(&mut self, handler: Handler) {
        let spawned = self.rows.structure.spawn((handler.clone(),));
        self.touched.insert(handler.session.clone());
        self.mirror.listen(spawned.id, &handler);
    }

    fn unsubscribe(&mut self, session: &str, place: Option<(u8, u16)>) {
        for id in self.mirror.forget_handlers(session, place) {
            self.rows.structure.despawn(id);
        }
        self.touched.insert(session.into());
    }

    /// Scripts for processors, whose sessions must be there when they run.
    fn executions(&mut self, events: &[Event]) {
        for session in events.iter().filter_map(Mirror::executes) {
            self.touched.insert(session.clone());
            self.mirror.expect_execution(session);
        }
    }

    /// The windows of principals that have published.
    fn windows(&mut self, lane: &mut Lane) {
        let published = core::mem::take(&mut lane.traces.published);
        for (name, window) in core::mem::take(&mut lane.windows) {
            let Some(known) = self.mirror.principals.get_mut(&name).filter(|_| published) else { continue };
            if known.window != window {
                if let Ok((_, mut row)) = self.rows.principals.get_mut(known.entity) {
                    row.set(window.clone());
                }
                known.window = window;
            }
        }
    }

    /// Ends a session with everything it holds; who waits for one of its scripts is told.
    fn close(&mut self, session: &str, why: &str) {
        let Some(open) = self.mirror.sessions.get(session) else { return };
        let scripts = open.scripts as usize;
        if open.seat.holds() == 0 {
            return self.forget(session);
        }
        self.unsubscribe(session, None);
        self.touched.remove(session);
        let scripts: Vec<_> = self
            .mirror
            .resting
            .iter()
            .filter(|(_, rests)| &*rests.session == session)
            // Not one more than there are is looked for.
            .take(scripts)
            .map(|(id, _)| *id)
            .collect();
        for id in scripts {
            self.rows.structure.despawn(id);
            if let Some(to) = self.mirror.rouse(id).and_then(|resting| resting.to) {
                let result = Object::error(&format!("session {session} has ended before its script: {why}"));
                self.answers.push(Due { to, result, publisher: None });
            }
        }
        self.forget(session);
    }

    fn forget(&mut self, session: &str) {
        if let Some(id) = self.mirror.close(session).and_then(|open| open.stored) {
            self.rows.structure.despawn(id);
        }
    }

    /// A session that holds something, or has a script under way to a processor, is stored; any other is not.
    fn keep_sessions(&mut self) {
        for session in core::mem::take(&mut self.touched) {
            let expects = self.mirror.executions.contains_key(&session);
            let Some(open) = self.mirror.sessions.get_mut(&session) else { continue };
            match open.stored {
                None if open.seat.holds() > 0 || expects => {
                    open.stored = Some(self.rows.structure.spawn((open.seat.session.clone(),)).id);
                }
                Some(id) if open.seat.holds() == 0 && !expects => {
                    self.rows.structure.despawn(id);
                    open.stored = None;
                }
                _ => {}
            }
        }
    }

    /// What changes permissions, or ends a session.
    fn administer(&mut self, ask: Ask) -> Result<Object, String> {
        match ask {
            Ask::Close(session) => {
                if !self.mirror.sessions.contains_key(&session) {
                    return Err(format!("there is no session {session} to close"));
                }
                self.close(&session, "it was closed");
            }
            Ask::Principal(principal) => self.principal(principal)?,
            Ask::Remove(name) => {
                let known = self.mirror.principals.remove(&name);
                let known = known.ok_or_else(|| format!("there is no principal {name} to remove"))?;
                self.rows.structure.despawn(known.id);
            }
            Ask::Change(name, change) => {
                let known = self.mirror.principals.get(&name);
                let known =
                    known.ok_or_else(|| format!("NO_ENTITY: there is no principal {name}; make it first"))?;
                let mut record = (*known.record).clone();
                change_principal(&mut record, change);
                self.principal(record)?;
            }
            Ask::Open { .. } | Ask::Run(..) | Ask::Do(..) => return Err("it is no change".to_owned()),
        }
        Ok(Object::boolean(true))
    }

    fn principal(&mut self, record: Principal) -> Result<(), String> {
        record.check().map_err(|error| error.to_string())?;
        if record.scopes.len() > GRANTS_MAX {
            return Err(format!("principal {} has {GRANTS_MAX} scopes, the limit", record.name));
        }
        let name: Arc<str> = record.name.as_str().into();
        match self.mirror.principals.get_mut(&name) {
            Some(known) => {
                // One that was made in this very frame has no row yet; inserting replaces what it will have.
                match self.rows.principals.get_mut(known.entity) {
                    Ok((mut row, _)) => row.set(record.clone()),
                    Err(_) => self.rows.structure.insert(known.id, record.clone()),
                }
                known.record = Arc::new(record);
            }
            None => {
                let spawned = self.rows.structure.spawn((record.clone(), Window::default()));
                let known = Known {
                    id: spawned.id,
                    entity: spawned.entity,
                    record: Arc::new(record),
                    window: Window::default(),
                };
                self.mirror.principals.insert(name, known);
            }
        }
        Ok(())
    }
}

fn change_principal(record: &mut Principal, change: PrincipalChange) {
    match change {
        PrincipalChange::GrantScope(scope, access) => {
            record.scopes.insert(scope, access);
        }
        PrincipalChange::RevokeScope(scope) => {
            record.scopes.remove(&scope);
        }
        PrincipalChange::GrantTopic(topic, access) => {
            record.topics.insert(topic, access);
        }
        PrincipalChange::RevokeTopic(topic) => {
            record.topics.remove(&topic);
        }
        PrincipalChange::MaxRps(max) => record.max_rps = max,
    }
}
