//! Forces: of bodies nearby one by one, of groups far away as series; and the potential of both.
//!
//! Two bodies pull each other with the gravitational constant times both masses divided by their distance, as in the
//! source. Nearer than their cut-off, half the sum of their scales, the pull fades in proportion to the distance, so that
//! it has no jump and two bodies on one point do not pull each other at all.
//!
//! Invariant: the force of a pair is the same number from both sides, but for its sign; so are the forces between far
//! groups, to the last rounding. Sums run along the slots.

use super::clusters::Clusters;
use super::expansion::Local;
use super::walk::{Visitor, walk};
use core::ops::Range;
use glam::DVec2;

/// Bodies that are pulled side by side.
const LANES: usize = 4;

/// The force of nearby bodies on each, by slot, without the gravitational constant.
pub fn near_forces(clusters: &Clusters, out: &mut Vec<DVec2>) {
    out.clear();
    out.resize(clusters.len(), DVec2::ZERO);
    walk(clusters, &Near(clusters), out);
}

/// The force of far groups on each body, by slot, without the gravitational constant.
pub fn far_forces(clusters: &Clusters, out: &mut Vec<DVec2>) {
    out.clear();
    out.resize(clusters.len(), DVec2::ZERO);
    walk(clusters, &Far(clusters), out);
}

/// The potential energy of all bodies under the forces above, with the gravitational constant: negative infinity is
/// never reached, since the cut-off ends it, and two bodies a unit of length apart have none.
#[must_use]
pub fn potential_energy(clusters: &Clusters) -> f64 {
    let mut potentials = vec![0.0; clusters.len()];
    walk(clusters, &Potential(clusters), &mut potentials);
    let pairs =
        potentials.iter().zip(&clusters.mass).fold(0.0, |sum, (potential, mass)| sum + potential * mass);
    0.5 * pairs * clusters.law.map_or(0.0, |law| law.gravity)
}

struct Near<'a>(&'a Clusters);

impl Visitor for Near<'_> {
    type State = ();
    type Out = DVec2;

    fn begin(&self) {}
    fn meet_far(&self, _: usize, _: usize, (): &mut ()) {}
    fn hand_down(&self, _: usize, _: usize, (): &()) {}

    fn finish(&self, leaf: usize, near: &[u32], (): &(), out: &mut [DVec2]) {
        let targets = self.0.tree.slots(leaf);
        for (n, out) in out.chunks_mut(LANES).enumerate() {
            let first = targets.start + n * LANES;
            let mut lanes = Lanes::of(self.0, first..first + out.len());
            runs(self.0, near, |sources| lanes.pull(self.0, sources));
            out.iter_mut()
                .enumerate()
                .for_each(|(lane, out)| *out = DVec2::new(lanes.force[0][lane], lanes.force[1][lane]));
        }
    }
}

/// Calls `visit` with the slots of these leaves, neighbours along the tree together.
fn runs(clusters: &Clusters, leaves: &[u32], mut visit: impl FnMut(Range<usize>)) {
    let mut leaves = leaves.iter().map(|leaf| *leaf as usize).peekable();
    while let Some(first) = leaves.next() {
        let mut last = first;
        while leaves.next_if(|next| *next == last + 1).is_some() {
            last += 1;
        }
        visit(clusters.tree.slots(first).start..clusters.tree.slots(last).end);
    }
}

/// A few bodies that are pulled at once; a lane without a body weighs nothing.
struct Lanes {
    at: [[f64; LANES]; 2],
    mass: [f64; LANES],
    scale: [f64; LANES],
    force: [[f64; LANES]; 2],
}

impl Lanes {
    fn of(clusters: &Clusters, slots: Range<usize>) -> Lanes {
        let take = |column: &[f64]| {
            let mut lanes = [0.0; LANES];
            lanes.iter_mut().zip(&column[slots.clone()]).for_each(|(lane, value)| *lane = *value);
            lanes
        };
        Lanes {
            at: [take(&clusters.x), take(&clusters.y)],
            mass: take(&clusters.mass),
            scale: take(&clusters.scale),
            force: [[0.0; LANES]; 2],
        }
    }

    /// Adds the pull of the bodies in these slots. A body does not pull itself: it is at no distance from itself.
    #[inline]
    fn pull(&mut self, clusters: &Clusters, sources: Range<usize>) {
        let columns = [&clusters.x, &clusters.y, &clusters.mass, &clusters.scale]
            .map(|column| &column[sources.clone()]);
        let [x, y, mass, scale] = columns;
        for (((x, y), mass), scale) in x.iter().zip(y).zip(mass).zip(scale) {
            for lane in 0..LANES {
                let (dx, dy) = (x - self.at[0][lane], y - self.at[1][lane]);
                let squared = dx * dx + dy * dy;
                let cut_off = 0.5 * (scale + self.scale[lane]);
                let cut_off = cut_off * cut_off;
                let faded = if squared > cut_off { squared } else { cut_off };
                let pull = mass * self.mass[lane] / faded;
                self.force[0][lane] += dx * pull;
                self.force[1][lane] += dy * pull;
            }
        }
    }
}

struct Far<'a>(&'a Clusters);

impl Visitor for Far<'_> {
    type State = Local;
    type Out = DVec2;

    fn begin(&self) -> Local {
        Local::default()
    }

    #[inline]
    fn meet_far(&self, target: usize, source: usize, state: &mut Local) {
        let (target, source) = (&self.0.nodes[target], &self.0.nodes[source]);
        state.add_source(&source.moments, target.centre - source.centre);
    }

    fn hand_down(&self, parent: usize, child: usize, state: &Local) -> Local {
        state.moved(self.0.nodes[child].centre - self.0.nodes[parent].centre)
    }

    fn finish(&self, leaf: usize, _: &[u32], state: &Local, out: &mut [DVec2]) {
        let centre = self.0.nodes[leaf].centre;
        for (out, mover) in out.iter_mut().zip(&self.0.movers[self.0.tree.slots(leaf)]) {
            *out = state.pull(mover.position - centre) * mover.body.mass;
        }
    }
}

/// The potential of a unit of mass in each slot.
struct Potential<'a>(&'a Clusters);

impl Visitor for Potential<'_> {
    type State = Local;
    type Out = f64;

    fn begin(&self) -> Local {
        Local::default()
    }

    fn meet_far(&self, target: usize, source: usize, state: &mut Local) {
        let (target, source) = (&self.0.nodes[target], &self.0.nodes[source]);
        state.add_source(&source.moments, target.centre - source.centre);
        state.add_potential(&source.moments, target.centre - source.centre);
    }

    fn hand_down(&self, parent: usize, child: usize, state: &Local) -> Local {
        state.moved(self.0.nodes[child].centre - self.0.nodes[parent].centre)
    }

    fn finish(&self, leaf: usize, near: &[u32], state: &Local, out: &mut [f64]) {
        let clusters = self.0;
        let centre = clusters.nodes[leaf].centre;
        for (out, target) in out.iter_mut().zip(clusters.tree.slots(leaf)) {
            let mover = &clusters.movers[target];
            *out = state.potential(mover.position - centre);
            runs(clusters, near, |sources| {
                for source in sources.filter(|source| *source != target) {
                    let other = &clusters.movers[source];
                    let squared = (other.position - mover.position).length_squared();
                    *out += other.body.mass * potential(squared, 0.5 * (other.body.scale + mover.body.scale));
                }
            });
        }
    }
}

/// The potential of two units of mass whose pull fades within a cut-off.
fn potential(squared: f64, cut_off: f64) -> f64 {
    let cut_off = cut_off * cut_off;
    if squared > cut_off {
        return 0.5 * libm::log(squared);
    }
    0.5 * (libm::log(cut_off) - 1.0 + squared / cut_off)
}
