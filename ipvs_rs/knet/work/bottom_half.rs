// SPDX-License-Identifier: GPL-2.0

//! Work items that are done in bottom halves, at once and without a thread.
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::{
//! #     field::{field, Field},
//! #     rcu::Arc,
//! #     work::{BottomHalf, BottomHalfJob, BottomHalfWork, InBottomHalf, Queue},
//! # };
//! #[pin_data]
//! struct Port {
//!     #[pin]
//!     draining: BottomHalfWork<Port, Drain>,
//! }
//!
//! struct Drain;
//!
//! impl BottomHalfJob<Port> for Drain {
//!     const WORK: Field<Port, BottomHalfWork<Port, Self>> = field!(Port, draining);
//!
//!     fn run(_port: Arc<Port>, _context: &BottomHalf) {
//!         pr_info!("draining\n");
//!     }
//! }
//!
//! static QUEUE: Queue<InBottomHalf> = Queue::new();
//!
//! let open = QUEUE.open(c"example")?;
//! let port = Arc::pin_init(pin_init!(Port { draining <- BottomHalfWork::new() }), GFP_KERNEL)?;
//! assert!(BottomHalfWork::<Port, Drain>::queue(&port, &QUEUE));
//! // Waits for it.
//! drop(open);
//! # Ok::<(), Error>(())
//! ```

use core::{
    marker::PhantomData,
    sync::atomic::{AtomicPtr, Ordering},
};
use ipvs_sys as bindings;
use kernel::{
    container_of,
    prelude::*,
    types::{NotThreadSafe, Opaque},
};

use super::{
    queue::{InBottomHalf, Queue},
    ANY_CPU,
};
use crate::{
    field::Field,
    rcu::{self, Arc},
};

/// Evidence that this CPU runs a bottom half: nothing sleeps, and no other bottom half runs here meanwhile.
///
/// # Invariants
///
/// Bottom halves are off on this CPU as long as a reference exists.
pub struct BottomHalf(NotThreadSafe);

/// A kind of work on a `T` in bottom halves. The implementing type only names it.
pub trait BottomHalfJob<T: Send + Sync + 'static>: Sized + 'static {
    /// The field of an object that its work item of this kind is in.
    const WORK: Field<T, BottomHalfWork<T, Self>>;

    /// Does the work, on one CPU at a time for each object. The work item is idle and may be queued again.
    fn run(object: Arc<T>, context: &BottomHalf);
}

/// The types that a [`BottomHalfWork`] owns while it is queued, and that it calls.
type Calls<T, J> = (Arc<T>, fn(J));

/// A work item in the field [`BottomHalfJob::WORK`] of a `T` that lives in an [`Arc`].
///
/// # Invariants
///
/// While `work` is queued, `owner` comes from [`Arc::into_raw`] of the object that the item is
/// part of, and that reference belongs to the item. It is queued in queues of bottom halves only.
#[pin_data]
pub struct BottomHalfWork<T: Send + Sync + 'static, J: BottomHalfJob<T>> {
    #[pin]
    work: Opaque<bindings::work_struct>,
    owner: AtomicPtr<c_void>,
    _calls: PhantomData<Calls<T, J>>,
}

// SAFETY: The kernel's workqueue functions may be called from any context.
unsafe impl<T: Send + Sync, J: BottomHalfJob<T>> Send for BottomHalfWork<T, J> {}
// SAFETY: The kernel's workqueue functions serialise themselves.
unsafe impl<T: Send + Sync, J: BottomHalfJob<T>> Sync for BottomHalfWork<T, J> {}

impl<T: Send + Sync, J: BottomHalfJob<T>> BottomHalfWork<T, J> {
    /// Initialises an idle work item.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            work <- Opaque::ffi_init(|work: *mut bindings::work_struct| {
                // SAFETY: `work` is valid for writes.
                unsafe { bindings::init_work(work, Some(run::<T, J>)) }
            }),
            owner: AtomicPtr::new(core::ptr::null_mut()),
            _calls: PhantomData,
        })
    }

    /// Queues the work item of `object` on this CPU. From any context.
    ///
    /// Returns whether this call has queued it: an item that is queued already stays as it is, and a queue that is not open
    /// takes none. An item whose work is being done on another CPU is queued there.
    pub fn queue(object: &Arc<T>, queue: &Queue<InBottomHalf>) -> bool {
        let guard = rcu::read_lock();
        let Some(workqueue) = queue.get(&guard) else {
            return false;
        };
        let item = J::WORK.of(object);
        let raw = object.clone().into_raw();
        item.owner.store(raw.cast_mut(), Ordering::Relaxed);
        // INVARIANT: If this queues the item, the item now owns the reference in `owner`, and the queue is one of bottom halves.
        // SAFETY: The item is initialised, and lives as long as the reference. The workqueue stays until it has done what was
        // queued in this section.
        let queued = unsafe { bindings::queue_work_on(ANY_CPU, workqueue, item.work.get()) };
        if !queued {
            // SAFETY: The queued item has a reference already, so this one is taken back.
            drop(unsafe { Arc::<T>::from_raw(raw) });
        }
        queued
    }
}

/// The function that the workqueue calls.
///
/// # Safety
///
/// `work` must be the work of a [`BottomHalfWork<T, J>`] that was queued until now.
unsafe extern "C" fn run<T: Send + Sync + 'static, J: BottomHalfJob<T>>(
    work: *mut bindings::work_struct,
) {
    // SAFETY: By the contract it is this field of a `BottomHalfWork<T, J>`.
    #[allow(
        clippy::multiple_unsafe_ops_per_block,
        reason = "the macro makes two of one"
    )]
    let item =
        unsafe { container_of!(Opaque::cast_from(work).cast_mut(), BottomHalfWork<T, J>, work) };
    // SAFETY: The item is part of an object that the reference it owns keeps alive.
    let owner = unsafe { (*item).owner.load(Ordering::Relaxed) };
    // SAFETY: The item was queued until now, so by the type invariant it had this reference, and gives
    // it up. C does not use the item again: what is queued from here on has a reference of its own.
    let owner = unsafe { Arc::from_raw(owner) };
    // INVARIANT: The queue is one of bottom halves, so this is one.
    J::run(owner, &BottomHalf(NotThreadSafe));
}
