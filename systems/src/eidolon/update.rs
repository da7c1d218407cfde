//! Updates of a field: from outside as inputs, and the parts that a particle's entity is made of.
//!
//! Invariant: a part of an update that may not be changes nothing but the count of what was refused. Updates by
//! messages are applied by the owner of positions, see `step`.

use diptych_components::eidolon::{
    AddressedUpdate, Charge, FieldUpdate, Ledger, Mass, Member, NUMBER_MAX, Particle, Position, Push,
    Velocity,
};
use diptych_engine::Applier;
use diptych_engine::prelude::*;

use crate::codec::codec;

codec!(
    /// [`FieldUpdate`]s as their own bytes.
    FieldUpdateCodec,
    FieldUpdate,
    FieldUpdate::default()
);

codec!(
    /// [`AddressedUpdate`]s as their own bytes.
    AddressedUpdateCodec,
    AddressedUpdate,
    AddressedUpdate::default()
);

/// What a particle's entity holds.
#[must_use]
pub fn parts(particle: &Particle, field: Id) -> (Position, Velocity, Mass, Charge, Member, Push) {
    (
        Position(particle.position),
        Velocity(particle.velocity),
        Mass(particle.mass),
        Charge(particle.charge),
        Member { field: field.bits(), circuit: particle.circuit, flags: particle.flags },
        Push::default(),
    )
}

/// Applies an update from outside: particles come and go at once, forces act in the next step. One whose field does
/// not exist is dropped; one of too many parts changes nothing but the count of those.
pub fn apply_update(applier: &mut Applier<'_, '_>, addressed: AddressedUpdate) {
    let field = Id::from_bits(addressed.field);
    let Some(mut ledger) = applier.get::<Ledger>(field).copied() else {
        tracing::warn!(field = addressed.field, "an update of a field that does not exist is dropped");
        return;
    };
    if !ledger.accepts(&addressed.update) {
        applier.set(field, ledger);
        return;
    }
    let FieldUpdate { added, removed, forces } = addressed.update;
    for particle in added.iter().filter(|particle| ledger.admit(particle)).copied().collect::<Vec<_>>() {
        applier.spawn(parts(&particle, field));
    }
    let belongs = |applier: &Applier<'_, '_>, id: Id| {
        applier.get::<Member>(id).is_some_and(|member| member.field == field.bits())
    };
    for id in removed.into_iter().map(Id::from_bits) {
        let is_charged = applier.get::<Charge>(id).is_some_and(|charge| *charge != Charge::default());
        if belongs(applier, id) && applier.despawn(id) {
            ledger.release(is_charged);
        } else {
            ledger.refused += 1;
        }
    }
    for (id, force) in forces.into_iter().map(|(id, force)| (Id::from_bits(id), force)) {
        let before = applier.get::<Push>(id).copied().unwrap_or_default();
        if belongs(applier, id) && force.is_within(NUMBER_MAX) && applier.set(id, Push(before.0 + force)) {
            ledger.pushed += 1;
        } else {
            ledger.refused += 1;
        }
    }
    applier.set(field, ledger);
}
