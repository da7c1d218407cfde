//! Patches of the naive world: one after the other, and as if none had been where one cannot be.

use super::{Edit, What, World};
use crate::torture::rules::Program;
use crate::torture::values::{blank_of, value_of};

impl World {
    /// Carries out all of them, or none; answers which.
    pub(super) fn patch(&mut self, program: &Program, edits: &[Edit]) -> bool {
        let before = self.clone();
        let done = edits.iter().all(|edit| self.patch_one(program, edit));
        if !done {
            *self = before;
        }
        done
    }

    fn patch_one(&mut self, program: &Program, &Edit { what, id, ty, value }: &Edit) -> bool {
        let Some(row) = self.rows.get(&id) else { return false };
        let (held, open) = (row.contains_key(&ty), program.has(ty));
        match what {
            What::Destroy => self.despawn(id),
            What::Set if open && held => self.put(id, ty, value_of(ty, value)),
            What::Add if open && !held => self.put(id, ty, value_of(ty, value)),
            What::AddBlank if open && !held => self.put(id, ty, blank_of(ty)),
            What::Remove if open && held => self.take(id, ty),
            _ => return false,
        }
        true
    }
}
