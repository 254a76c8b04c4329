// SPDX-License-Identifier: GPL-2.0

//! Read-copy-update as loom can play it. [`Arc`] and [`Slot`] are knet's.
//!
//! A read-side section holds a lock that many can hold, and a grace period is a moment in which nobody does. That
//! gives the orders that RCU gives, and one more: of two sections that a grace period lies between.

#[path = "../rcu/arc.rs"]
mod arc;
#[path = "../rcu/retired.rs"]
mod retired;
#[path = "../rcu/slot.rs"]
mod slot;

pub use arc::{Arc, Ref, OVERHEAD};
pub use retired::{Gathered, Retired};
pub use slot::Slot;

use crate::alloc::{KBox, GFP_KERNEL};
use loom::sync::{Mutex, RwLock, RwLockReadGuard};
use std::{cell::Cell, marker::PhantomData, mem::MaybeUninit, ops::Deref};

/// What is called after a grace period.
pub type Callback = unsafe extern "C" fn(*mut callback_head);

/// What C's `rcu_head` is.
#[allow(non_camel_case_types, reason = "as bindgen calls it")]
pub struct callback_head {
    /// What is behind it in a list of its owner's.
    pub next: *mut callback_head,
    /// Its owner's before `call_rcu`.
    pub func: Option<Callback>,
}

loom::lazy_static! {
    static ref SECTIONS: RwLock<()> = RwLock::new(());
    static ref WAITING: Mutex<Vec<(usize, Callback)>> = Mutex::new(Vec::new());
}
loom::thread_local! {
    static DEPTH: Cell<usize> = Cell::new(0);
}

/// Evidence that a read-side section is open.
pub struct Guard(PhantomData<*const ()>);

/// An open read-side section.
pub struct ReadLock {
    guard: Guard,
    /// Only the outermost of a thread holds the lock.
    _lock: Option<RwLockReadGuard<'static, ()>>,
}

/// Opens a read-side section.
pub fn read_lock() -> ReadLock {
    let depth = DEPTH.with(|depth| depth.replace(depth.get() + 1));
    ReadLock {
        guard: Guard(PhantomData),
        _lock: (depth == 0).then(|| SECTIONS.read().expect("nobody writes")),
    }
}

impl Drop for ReadLock {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

impl Deref for ReadLock {
    type Target = Guard;

    fn deref(&self) -> &Guard {
        &self.guard
    }
}

/// Waits until a grace period has passed.
pub fn synchronize() {
    drop(SECTIONS.write());
}

/// Calls `function` after a grace period.
///
/// # Safety
///
/// As with C's: `head` is the function's from now on.
pub unsafe fn call_rcu(head: *mut callback_head, function: Option<Callback>) {
    let mut waiting = WAITING.lock().expect("no thread dies here");
    waiting.push((head as usize, function.expect("there is one")));
}

/// Waits until what is waiting for a grace period has been done, so many times over.
pub fn barrier(layers: usize) {
    for _ in 0..layers {
        let waiting = std::mem::take(&mut *WAITING.lock().expect("no thread dies here"));
        synchronize();
        for (head, function) in waiting {
            // SAFETY: By the contract of `call_rcu`, and a grace period has passed.
            unsafe { function(head as *mut callback_head) };
        }
    }
}

/// An object that waits for its grace period with others, as a cache of the kernel's makes it.
pub fn gathered<T: Gathered>(value: T) -> Arc<T> {
    const { assert!(T::ALIGN <= align_of::<arc::Inner<T>>()) };
    // SAFETY: So a box is at a multiple of it.
    let inner = unsafe { arc::Inner::gathered(value) };
    Arc::first(KBox::try_pin_init(inner, GFP_KERNEL).expect("memory enough"))
}

/// Frees the memory of a box.
///
/// # Safety
///
/// `memory` must come from a box, and its value have been dropped.
unsafe fn free_memory<T>(memory: *mut T) {
    // SAFETY: By the contract.
    drop(unsafe { KBox::from_raw(memory.cast::<MaybeUninit<T>>()) });
}

/// The module counts what was dropped; nobody asks here.
fn count_drop() {}
