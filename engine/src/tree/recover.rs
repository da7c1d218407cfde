//! The index of children again, from the values that the store gave back.
//!
//! Invariant: a child without its parent, or two in one place, were never stored; a world that has them is
//! refused by name.

#![expect(unsafe_code, reason = "fills the index of children while the engine is being built")]

use super::Parent;
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::id::Id;
use crate::registry::Registry;
use crate::view::View;
use std::path::Path;

impl Frame {
    /// Makes the index of children from their values, at recovery.
    pub(crate) fn rebuild_tree(&mut self, path: &Path) -> Result<()> {
        if !self.world().resource::<Registry>().holds::<Parent>() {
            return Ok(());
        }
        let view = View::new(self.world(), &self.shared);
        let mut links: Vec<(Parent, Id)> = view.iter::<Parent>().map(|(id, parent)| (*parent, id)).collect();
        links.sort_unstable_by_key(|(parent, _)| (parent.parent, parent.place));
        let mismatch = |problem| Err(Error::Mismatch { path: path.to_owned(), problem });
        if let Some((parent, child)) =
            links.iter().find(|(parent, _)| self.shared.ids.get().get(parent.parent).is_none())
        {
            return mismatch(format!(
                "{child} is stored as a child of {}, which is not there",
                parent.parent
            ));
        }
        if let Some([(_, first), (parent, second)]) = links.array_windows().find(|[(a, _), (b, _)]| a == b) {
            let parent = parent.parent;
            return mismatch(format!(
                "{first} and {second} are stored in one place among the children of {parent}"
            ));
        }
        // SAFETY: the engine is being built.
        let tree = unsafe { self.shared.tree.get_mut() };
        links.into_iter().for_each(|(parent, child)| tree.insert(parent.parent, parent.place, child));
        Ok(())
    }
}
