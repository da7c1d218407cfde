//! The system that owns where particles are, how they move, forces on them, and their fields' ledgers.
//!
//! Invariant: position and velocity have one owner, because a stage of an integrator needs both of the stage before, of
//! all particles. They are copied into scratch, stepped there, and written back in the order of rows. A particle with
//! a fault, in no field, or in one whose settings are wrong, is left alone and does nothing to others.

use diptych_components::eidolon::{
    Charge, FIELDS_MAX, FieldSettings, FieldUpdate, Ledger, Mass, Member, NUMBER_MAX, Particle, Position,
    Push, Vec8, Velocity,
};
use diptych_engine::prelude::*;
use std::collections::BTreeSet;

use super::kernel::Field;
use super::layers::particle;
use super::update::parts;

/// All of a particle, as its owner has it.
type Moving = (Id, Next<Position>, Next<Velocity>, Prev<Mass>, Prev<Charge>, Prev<Member>, Next<Push>);
/// What says whether a particle is of a field, and whether it counts as charged.
type Belonging = (Prev<Member>, Prev<Charge>);

/// Steps all fields by the clock's `dt`, and applies the updates that were sent to them: forces in this step, particles
/// at this commit.
#[expect(clippy::too_many_arguments, reason = "what a system names is what it may touch")]
pub fn step_fields(
    mut particles: Query<Moving>,
    mut members: Query<Belonging>,
    mut fields: Query<(Id, Prev<FieldSettings>, Next<Ledger>)>,
    updates: Inbox<FieldUpdate>,
    mut structure: Structure,
    ids: Ids,
    clock: Clock,
    mut scratch: Local<Scratch>,
) {
    scratch.begin(fields.iter().map(|(id, settings, ledger)| (id, *settings, *ledger)));
    scratch.count(&mut members);
    for mail in updates.mails() {
        let Some(place) = scratch.place(mail.target().bits()) else {
            tracing::warn!(target = %mail.target(), "updates sent to what is no field are dropped");
            continue;
        };
        let charge = |id: Id| {
            let (member, charge) = members.get(ids.entity(id)?).ok()?;
            (member.field == mail.target().bits()).then_some(*charge)
        };
        let mut gone = BTreeSet::new();
        for update in mail.messages() {
            scratch.apply(place, update, charge, &mut gone, &mut structure);
        }
    }
    // Stable: forces on one particle add up in the order in which they were sent.
    scratch.forces.sort_by_key(|(id, _)| *id);
    scratch.gather(&mut particles);
    for moving in &mut scratch.moving {
        if moving.is_right {
            moving.field.step(clock.dt());
        }
    }
    scratch.scatter(&mut particles);
    for (id, _, mut ledger) in &mut fields {
        if let Some(place) = scratch.place(id.bits()) {
            ledger.set_if_changed(scratch.moving[place].ledger);
        }
    }
}

/// The fields of a step and the forces sent to their particles. What it held in the last step is room, no more.
#[derive(Debug, Default)]
pub struct Scratch {
    /// In the order of their names.
    moving: Vec<Moved>,
    /// Emptied fields, for their memory.
    spare: Vec<Field>,
    /// By particle.
    forces: Vec<(Id, Vec8)>,
}

/// A field while it is stepped.
#[derive(Debug)]
struct Moved {
    /// Its `Id` as a number.
    name: u64,
    ledger: Ledger,
    /// Whether its settings are.
    is_right: bool,
    field: Field,
    /// The body that comes next when results are written back.
    next: usize,
}

impl Scratch {
    fn begin(&mut self, fields: impl Iterator<Item = (Id, FieldSettings, Ledger)>) {
        self.spare.extend(self.moving.drain(..).map(|moved| moved.field));
        self.forces.clear();
        for (id, settings, ledger) in fields {
            let mut field = self.spare.pop().unwrap_or_default();
            field.clear();
            field.settings = settings;
            let ledger = Ledger { population: 0, charged: 0, faulty: 0, ..ledger };
            let is_right = settings.check().is_ok();
            self.moving.push(Moved { name: id.bits(), ledger, is_right, field, next: 0 });
        }
        self.moving.sort_by_key(|moved| moved.name);
        self.moving.truncate(FIELDS_MAX);
    }

    /// The place of a field.
    fn place(&self, field: u64) -> Option<usize> {
        self.moving.binary_search_by_key(&field, |moved| moved.name).ok()
    }

    /// Counts who is in which field.
    fn count(&mut self, members: &mut Query<Belonging>) {
        members.blocks(|(members, charges)| {
            for (member, charge) in members.iter().zip(charges) {
                if let Some(place) = self.place(member.field) {
                    let ledger = &mut self.moving[place].ledger;
                    ledger.population += 1;
                    ledger.charged += u64::from(*charge != Charge::default());
                }
            }
        });
    }

    /// Applies an update of the field at `place`; `charge` is that of its particles, and nothing for others. Who is
    /// removed in this frame is in `gone`.
    fn apply(
        &mut self,
        place: usize,
        update: &FieldUpdate,
        charge: impl Fn(Id) -> Option<Charge>,
        gone: &mut BTreeSet<Id>,
        structure: &mut Structure,
    ) {
        let Moved { name, ledger, .. } = &mut self.moving[place];
        if !ledger.accepts(update) {
            return;
        }
        for particle in &update.added {
            if ledger.admit(particle) {
                structure.spawn(parts(particle, Id::from_bits(*name)));
            }
        }
        for id in update.removed.iter().copied().map(Id::from_bits) {
            match charge(id) {
                Some(charge) if gone.insert(id) => {
                    structure.despawn(id);
                    ledger.release(charge != Charge::default());
                }
                _ => ledger.refused += 1,
            }
        }
        for (id, force) in &update.forces {
            let id = Id::from_bits(*id);
            if charge(id).is_some() && force.is_within(NUMBER_MAX) {
                self.forces.push((id, *force));
                ledger.pushed += 1;
            } else {
                ledger.refused += 1;
            }
        }
    }

    /// Copies all particles without a fault to their fields, with the forces of this step, which it takes away.
    fn gather(&mut self, particles: &mut Query<Moving>) {
        particles.blocks(|(ids, positions, velocities, masses, charges, members, mut pushes)| {
            for row in 0..ids.len() {
                let mut push = pushes.prev()[row];
                if push != Push::default() {
                    // It acts once, also on who has a fault or no field.
                    pushes.set(row, Push::default());
                }
                let Some(place) = self.place(members[row].field) else { continue };
                let here = particle(
                    &positions.prev()[row],
                    &velocities.prev()[row],
                    &masses[row],
                    &charges[row],
                    &members[row],
                );
                if !self.forces.is_empty() {
                    let first = self.forces.partition_point(|(id, _)| *id < ids[row]);
                    let mine = self.forces[first..].iter().take_while(|(id, _)| *id == ids[row]);
                    mine.for_each(|(_, force)| push.0 += *force);
                }
                let moved = &mut self.moving[place];
                if here.fault().is_some() {
                    moved.ledger.faulty += 1;
                } else {
                    moved.field.add(here, if push.0.is_within(NUMBER_MAX) { push } else { Push::default() });
                }
            }
        });
    }

    /// Writes back what [`Scratch::gather`] has taken, in the same order.
    fn scatter(&mut self, particles: &mut Query<Moving>) {
        particles.blocks(|(_, mut positions, mut velocities, masses, charges, members, _)| {
            for row in 0..members.len() {
                let Some(place) = self.place(members[row].field) else { continue };
                let here = particle(
                    &positions.prev()[row],
                    &velocities.prev()[row],
                    &masses[row],
                    &charges[row],
                    &members[row],
                );
                let moved = &mut self.moving[place];
                if here.fault().is_some() {
                    continue;
                }
                let Particle { position, velocity, .. } = moved.field.bodies[moved.next].particle;
                moved.next += 1;
                if (position, velocity) != (here.position, here.velocity) {
                    positions.set(row, Position(position));
                    velocities.set(row, Velocity(velocity));
                }
            }
        });
    }
}
