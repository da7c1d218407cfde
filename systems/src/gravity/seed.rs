//! The rules of the source, to the letter: seven systems over double-buffered arrays, each reading the previous frame.
//!
//! Source: a browser game's `colliding-particles`, as its author gave it. What it leaves open is read so: the vector from
//! a to b is `b - a` as the forces need it; turning is counter-clockwise; the children of node n of its tree are 2 n + 1 and
//! 2 n + 2; a body's group is its node's bucket, `floor(n / bucket)`, and a group's place the mean of its members by mass;
//! shards of collisions have [`SHARD`] bodies; the exact sort is used, not the one by random samples.
//!
//! Known of these rules, and left as it is: a force is added to a velocity undivided by mass; the cut-off depends on the
//! target alone; groups pull bodies and are not pulled; deflections are averaged, and replace a velocity. So momentum does
//! not stay. What the source throws for (a vector that is no number, a tree that is too deep) leaves out the one step or
//! the one body, and the frame goes on.

mod deflection;
mod pull;
mod systems;
mod tree;
mod vector;

pub use deflection::SHARD;
pub use systems::{
    accelerate, build_tree, deflect, keep_origin, move_bodies, name_groups, pull_by_far, pull_by_near,
};
pub use tree::nodes_for;
pub use vector::{NotANumber, Vector};
