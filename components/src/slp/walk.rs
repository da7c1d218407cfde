//! A walk over a tree in the order of its text, on a stack of its own.
//!
//! Invariant: memory is in proportion to the depth and nothing recurses, so depth alone breaks nothing.

use super::view::{Children, View};

/// One step of a walk.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    /// An object without objects inside; an empty list is entered and left.
    Leaf(View<'a>),
    /// The beginning of a list or wrapper.
    Enter(View<'a>),
    /// Its end.
    Leave(View<'a>),
}

/// See [`View::walk`].
pub(super) struct Walk<'a> {
    first: Option<View<'a>>,
    open: Vec<(View<'a>, Children<'a>)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(view: View<'a>) -> Self {
        Self { first: Some(view), open: Vec::new() }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let view = match self.first.take() {
            Some(view) => view,
            None => {
                let (parent, children) = self.open.last_mut()?;
                match children.next() {
                    Some(child) => child,
                    None => {
                        let parent = *parent;
                        self.open.pop();
                        return Some(Step::Leave(parent));
                    }
                }
            }
        };
        if !view.kind().is_parent() {
            return Some(Step::Leaf(view));
        }
        self.open.push((view, view.children()));
        Some(Step::Enter(view))
    }
}
