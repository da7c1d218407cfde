//! How a body goes on from what is committed of it, and where that leads two frames from now.
//!
//! All systems read the previous frame, so a force that is made in one frame is felt in the next and moves the body in
//! the one after that. Where a body will be by then is known already: nothing but committed values decides it. So forces
//! and collisions are made for that place and moment, and what comes out is the leapfrog: symplectic, of second order.
//!
//! Invariant: a frame and the look ahead apply the same functions, so the places foreseen are those that come, but for a
//! push out of overlapping bodies that is decided meanwhile. No body leaves the numbers: what would is left as it is.

use diptych_components::gravity::{
    Body, Correction, Deflection, FarGravity, Lifetime, MASS_MAX, MASS_MIN, NearGravity, Position, Velocity,
    is_sound,
};
use glam::DVec2;

/// All that is committed of a body, but for its group.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Committed {
    /// Where it is.
    pub position: Position,
    /// How it moves.
    pub velocity: Velocity,
    /// How it is pushed.
    pub correction: Correction,
    /// What collisions did to it.
    pub deflection: Deflection,
    /// The force of those nearby.
    pub near: NearGravity,
    /// The force of those far away.
    pub far: FarGravity,
    /// What it weighs.
    pub body: Body,
    /// What time it has.
    pub lifetime: Lifetime,
}

/// A body as forces and collisions take it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mover {
    /// Where it is, or will be.
    pub position: DVec2,
    /// How it moves, or will move.
    pub velocity: DVec2,
    /// What it weighs by then, and its scale.
    pub body: Body,
}

/// What a body weighs in the next frame.
#[inline]
#[must_use]
pub fn next_body(body: Body, deflection: Deflection) -> Body {
    let mass = body.mass + deflection.mass;
    let is_same = deflection.mass == 0.0 || !(MASS_MIN..=MASS_MAX).contains(&mass);
    if is_same { body } else { Body::of(mass) }
}

/// How a body moves in the next frame.
#[inline]
#[must_use]
pub fn driven(velocity: Velocity, deflection: Deflection, force: DVec2, body: Body, dt: f64) -> DVec2 {
    let next = velocity.0 + deflection.velocity + force * (dt / next_body(body, deflection).mass);
    if is_sound(next) { next } else { velocity.0 }
}

/// Where a body is in the next frame.
#[inline]
#[must_use]
pub fn moved(position: Position, velocity: Velocity, correction: Correction, dt: f64) -> DVec2 {
    let next = position.0 + velocity.0 * dt + correction.0;
    if is_sound(next) { next } else { position.0 }
}

impl Committed {
    /// What it weighs in the next frame.
    #[inline]
    #[must_use]
    pub fn next_body(&self) -> Body {
        next_body(self.body, self.deflection)
    }

    /// How it moves in the next frame.
    #[inline]
    #[must_use]
    pub fn next_velocity(&self, dt: f64) -> DVec2 {
        driven(self.velocity, self.deflection, self.near.0 + self.far.0, self.body, dt)
    }

    /// Where it is in the next frame.
    #[inline]
    #[must_use]
    pub fn next_position(&self, dt: f64) -> DVec2 {
        moved(self.position, self.velocity, self.correction, dt)
    }

    /// Whether its time is over in the frame that comes next.
    #[inline]
    #[must_use]
    pub fn is_ending(&self, dt: f64) -> bool {
        // Of a frame without time nobody ends.
        dt > 0.0 && self.lifetime.0 <= dt
    }

    /// Where it will be in two frames, how it moves on the way there, and what it weighs then. `None` for who will not
    /// be there, and for who is not among the numbers, by somebody else's hand.
    #[inline]
    #[must_use]
    pub fn ahead(&self, dt: f64) -> Option<Mover> {
        let (body, velocity) = (self.next_body(), self.next_velocity(dt));
        let position = self.next_position(dt) + velocity * dt;
        let is_there =
            is_sound(position) && is_sound(velocity) && body.mass >= MASS_MIN && body.mass <= MASS_MAX;
        (is_there && !self.is_ending(dt)).then_some(Mover { position, velocity, body })
    }

    /// The body in the middle of the next frame's step, to which the committed forces belong: places and velocities are
    /// of one moment there, so this is what energies are measured by. In a step without time, which is what rules have
    /// whose places and velocities are of one moment, it is as it is committed.
    #[inline]
    #[must_use]
    pub fn in_step(&self, dt: f64) -> Mover {
        if dt == 0.0 {
            return Mover { position: self.position.0, velocity: self.velocity.0, body: self.body };
        }
        let force = self.near.0 + self.far.0;
        let velocity =
            self.velocity.0 + self.deflection.velocity + force * (0.5 * dt / self.next_body().mass);
        Mover { position: self.next_position(dt), velocity, body: self.next_body() }
    }
}
