// SPDX-License-Identifier: GPL-2.0

//! What loom watches.

use loom::cell::UnsafeCell;

/// A part of an object that stands for its contents: its making, each look at it and its end must be ordered.
pub struct Watched(UnsafeCell<()>);

// SAFETY: There is nothing inside; loom follows who comes when.
unsafe impl Sync for Watched {}

impl Watched {
    /// New contents.
    #[expect(clippy::new_without_default, reason = "an act, not a value")]
    pub fn new() -> Self {
        Self(UnsafeCell::new(()))
    }

    /// Looks at them.
    pub fn read(&self) {
        self.0.with(|_| ());
    }

    /// Changes them.
    pub fn write(&mut self) {
        self.0.with_mut(|_| ());
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.write();
    }
}
