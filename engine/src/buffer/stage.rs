//! Rows on their way from stored bytes into a table.
//!
//! Invariant: a loaded value is moved into the world exactly once, or leaks; it is never dropped twice.

#![expect(unsafe_code, reason = "moves values into tables by component id")]

use super::raw::Slot;
use super::{CodecError, State};
use bevy_ecs::component::ComponentId;
use bevy_ecs::ptr::OwningPtr;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// Holds one row of one column.
pub(crate) trait RowStage {
    /// Reads a row.
    fn load(&mut self, bytes: &[u8]) -> Result<(), CodecError>;

    /// Makes any row at all; answers whether there is one.
    fn load_blank(&mut self) -> bool;

    /// Hands out what was loaded, as components and their values.
    ///
    /// # Safety
    /// `load` has succeeded since the last call, and every value is moved into the world of the components.
    unsafe fn take<'a>(&'a mut self, components: &mut Vec<ComponentId>, values: &mut Vec<OwningPtr<'a>>);
}

/// A value for each slot.
type Pair<T> = (ManuallyDrop<Slot<T, 0>>, ManuallyDrop<Slot<T, 1>>);

/// The stage of a buffered type.
pub(super) struct TypedStage<T: State> {
    pub(super) slots: [ComponentId; 2],
    pub(super) decode: fn(&[u8]) -> Result<T, CodecError>,
    pub(super) blank: fn() -> Option<T>,
    pub(super) values: Option<Pair<T>>,
}

impl<T: State> TypedStage<T> {
    fn keep(&mut self, value: T) {
        self.values = Some((ManuallyDrop::new(Slot(value.clone())), ManuallyDrop::new(Slot(value))));
    }
}

impl<T: State> RowStage for TypedStage<T> {
    fn load(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        let value = (self.decode)(bytes)?;
        self.keep(value);
        Ok(())
    }

    fn load_blank(&mut self) -> bool {
        let blank = (self.blank)();
        blank.map(|value| self.keep(value)).is_some()
    }

    unsafe fn take<'a>(&'a mut self, components: &mut Vec<ComponentId>, values: &mut Vec<OwningPtr<'a>>) {
        let (first, second) = self.values.as_mut().expect("the caller has loaded a row");
        components.extend(self.slots);
        // SAFETY: the value is initialized, of the first component's type, and moved out by the caller;
        // `ManuallyDrop` keeps it from being dropped here.
        values.push(unsafe { OwningPtr::new(NonNull::from(first).cast()) });
        // SAFETY: the same for the second.
        values.push(unsafe { OwningPtr::new(NonNull::from(second).cast()) });
    }
}

/// The stage of a plain component that is copied.
pub(super) struct CopyStage<C: Copy> {
    pub(super) component: ComponentId,
    pub(super) decode: fn(&[u8]) -> Result<C, CodecError>,
    pub(super) blank: C,
    pub(super) value: Option<C>,
}

impl<C: Copy> RowStage for CopyStage<C> {
    fn load(&mut self, bytes: &[u8]) -> Result<(), CodecError> {
        self.value = Some((self.decode)(bytes)?);
        Ok(())
    }

    fn load_blank(&mut self) -> bool {
        self.value = Some(self.blank);
        true
    }

    unsafe fn take<'a>(&'a mut self, components: &mut Vec<ComponentId>, values: &mut Vec<OwningPtr<'a>>) {
        let value = self.value.as_mut().expect("the caller has loaded a row");
        components.push(self.component);
        // SAFETY: the value is initialized and of the component's type; copying it out leaves nothing to drop.
        values.push(unsafe { OwningPtr::new(NonNull::from(value).cast()) });
    }
}
