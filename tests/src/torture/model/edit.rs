//! Structure and inputs of the naive world, one command after the other.

use super::{Input, World, id_of};
use crate::torture::rules::{Cmd, Program, Who, shape};
use crate::torture::values::{Ty, Val, value_of};
use diptych_engine::Control;

impl World {
    /// Carries out what a system, or the setup, has issued.
    pub(super) fn carry_out(&mut self, name: &str, commands: &[Cmd]) {
        let mut born = Vec::new();
        // Serials are given when commands are issued, so a command may name who is spawned after it.
        let mut serial = self.serials.get(name).copied().unwrap_or(0);
        for command in commands {
            if matches!(command, Cmd::Spawn(..)) {
                born.push(id_of(name, serial));
                serial += 1;
            }
        }
        if !born.is_empty() {
            self.serials.insert(name.to_owned(), serial);
        }
        let mut spawned = born.iter();
        let of = |who: Who| match who {
            Who::Id(id) => id,
            Who::Born(n) => born[n],
        };
        for command in commands {
            match *command {
                Cmd::Spawn(form, value) => {
                    let id = *spawned.next().expect("every spawn has its Id");
                    self.spawn(id, shape(form), value);
                }
                Cmd::Despawn(who) => self.despawn(of(who)),
                Cmd::Insert(who, ty, value) => self.put(of(who), ty, value_of(ty, value)),
                Cmd::Remove(who, ty) => self.take(of(who), ty),
                Cmd::Attach(child, parent, at) => self.attach(of(child), of(parent), at),
                Cmd::Detach(child) => self.detach(of(child)),
            }
        }
    }

    /// Applies an input.
    pub(super) fn obey(&mut self, program: &Program, input: &Input) {
        let [what, a, b, c] = match input {
            Input::Order(order) => *order,
            Input::Patches(edits) => {
                let refused = !self.patch(program, edits);
                return self.refused.push(refused);
            }
            Input::Control(system, enabled, every) => return self.control(system, *enabled, *every),
        };
        match what {
            0 => self.set(a, Ty::Gold, b),
            1 => self.put(a, Ty::Tag, value_of(Ty::Tag, b)),
            2 => self.take(a, Ty::Tag),
            3 => self.despawn(a),
            4 => {
                let id = self.name(&program.order);
                self.spawn(id, shape(1), b);
            }
            5 => self.attach(a, b, c as u32),
            6 => self.detach(a),
            7 => self.put(a, Ty::Text, value_of(Ty::Text, b)),
            8 => self.set(a, Ty::Flash, b),
            9 => self.put(a, Ty::Pair, value_of(Ty::Pair, b)),
            10 => self.put(a, Ty::Gold, value_of(Ty::Gold, b)),
            _ => self.take(a, Ty::Gold),
        }
    }

    /// The next `Id` under a name.
    fn name(&mut self, name: &str) -> u64 {
        let serial = self.serials.entry(name.to_owned()).or_default();
        *serial += 1;
        id_of(name, *serial - 1)
    }

    fn control(&mut self, system: &str, enabled: bool, every: u32) {
        let old = self.controls.iter().find(|(_, (name, ..))| name == system).map(|(id, _)| *id);
        let id = old.unwrap_or_else(|| self.name("diptych.control"));
        self.controls.insert(id, (system.to_owned(), enabled, every));
        let control = if enabled { Control::every(system, every) } else { Control::disable(system) };
        let row = self.rows.entry(id).or_default();
        row.insert(Ty::Control, Val::Text(format!("{control:?}")));
    }

    fn spawn(&mut self, id: u64, types: &[Ty], value: u64) {
        let held = self.rows.insert(id, Default::default());
        assert!(held.is_none(), "the program's names give an Id twice");
        types.iter().for_each(|ty| self.put(id, *ty, value_of(*ty, value)));
    }

    pub(super) fn despawn(&mut self, id: u64) {
        if !self.rows.contains_key(&id) {
            return;
        }
        for id in core::iter::once(id).chain(self.below(id)) {
            self.lose(id, Ty::Gold);
            self.unlink(id);
            self.children.remove(&id);
            self.controls.remove(&id);
            self.fresh.remove(&id);
            self.rows.remove(&id);
        }
    }

    /// Sets a value where the type is held.
    fn set(&mut self, id: u64, ty: Ty, value: u64) {
        if self.rows.get(&id).is_some_and(|row| row.contains_key(&ty)) {
            self.put(id, ty, value_of(ty, value));
        }
    }

    pub(super) fn put(&mut self, id: u64, ty: Ty, value: Val) {
        let Some(row) = self.rows.get_mut(&id) else { return };
        let old = row.insert(ty, value);
        match ty {
            Ty::Gold => {
                self.changed.insert(id);
                if old.is_none() {
                    self.added.insert(id);
                }
            }
            Ty::Flash => drop(self.fresh.insert(id)),
            _ => {}
        }
    }

    pub(super) fn take(&mut self, id: u64, ty: Ty) {
        self.lose(id, ty);
        if let Some(row) = self.rows.get_mut(&id) {
            row.remove(&ty);
        }
    }

    fn lose(&mut self, id: u64, ty: Ty) {
        if ty == Ty::Gold && self.rows.get(&id).is_some_and(|row| row.contains_key(&ty)) {
            self.changed.remove(&id);
            self.added.remove(&id);
            self.removed.push(id);
        }
    }

    fn attach(&mut self, child: u64, parent: u64, at: u32) {
        let alive = |id| self.rows.contains_key(id);
        if !alive(&child) || !alive(&parent) || child == parent || self.below(child).contains(&parent) {
            return;
        }
        self.unlink(child);
        let siblings = self.children.entry(parent).or_default();
        siblings.insert((at as usize).min(siblings.len()), child);
        self.parents.insert(child, parent);
    }

    fn detach(&mut self, child: u64) {
        if self.rows.contains_key(&child) {
            self.unlink(child);
        }
    }

    fn unlink(&mut self, child: u64) {
        if let Some(parent) = self.parents.remove(&child)
            && let Some(siblings) = self.children.get_mut(&parent)
        {
            siblings.retain(|id| *id != child);
        }
    }
}
