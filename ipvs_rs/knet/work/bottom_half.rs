// SPDX-License-Identifier: GPL-2.0

//! Work items that are done in bottom halves, at once and without a thread.
//!
//! They are tasklets. A workqueue of bottom halves does the same, and costs 800 instructions for each item, as it finds a worker and
//! keeps books; a tasklet costs 150. A relay of the layer-7 switch has an item for each segment.
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::{
//! #     field::{field, Field},
//! #     rcu::Arc,
//! #     work::{BottomHalf, BottomHalfJob, BottomHalfQueue, BottomHalfWork},
//! # };
//! static QUEUE: BottomHalfQueue = BottomHalfQueue::new();
//!
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
//!     fn queue() -> &'static BottomHalfQueue {
//!         &QUEUE
//!     }
//!
//!     fn run(_port: Arc<Port>, _context: &BottomHalf) {
//!         pr_info!("draining\n");
//!     }
//! }
//!
//! let open = QUEUE.open()?;
//! let port = Arc::pin_init(pin_init!(Port { draining <- BottomHalfWork::new() }), GFP_KERNEL)?;
//! assert!(BottomHalfWork::<Port, Drain>::queue(port));
//! // Waits for it.
//! drop(open);
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/linux/interrupt.h`](srctree/include/linux/interrupt.h)

mod queue;

pub use queue::{BottomHalfQueue, OpenBottomHalfQueue};

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

use crate::{
    field::Field,
    rcu::{self, Arc},
};

/// Evidence that no other bottom half runs on this CPU: it runs one, or a thread keeps them off. Nothing sleeps meanwhile.
///
/// # Invariants
///
/// Bottom halves are off on this CPU as long as a reference exists.
pub struct BottomHalf(NotThreadSafe);

impl BottomHalf {
    /// Does the work of a bottom half in a thread, which does not sleep meanwhile. Not with interrupts off. [`None`] with `PREEMPT_RT`:
    /// there a thread keeps no other off.
    pub fn enter<R>(work: impl FnOnce(&Self) -> R) -> Option<R> {
        if cfg!(CONFIG_PREEMPT_RT) {
            return None;
        }
        // SAFETY: No preconditions.
        unsafe { bindings::local_bh_disable() };
        // INVARIANT: They are off until the enabling below.
        let result = work(&Self(NotThreadSafe));
        // SAFETY: Bottom halves were disabled above.
        unsafe { bindings::local_bh_enable() };
        Some(result)
    }
}

/// A kind of work on a `T` in bottom halves. The implementing type only names it.
pub trait BottomHalfJob<T: Send + Sync + 'static>: Sized + 'static {
    /// The field of an object that its work item of this kind is in.
    const WORK: Field<T, BottomHalfWork<T, Self>>;

    /// The queue of these items, which is of the module whose code `run` is.
    fn queue() -> &'static BottomHalfQueue;

    /// Does the work, on one CPU at a time for each object. The work item is idle and may be queued again.
    fn run(object: Arc<T>, context: &BottomHalf);
}

/// The types that a [`BottomHalfWork`] owns while it is queued, and that it calls.
type Calls<T, J> = (Arc<T>, fn(J));

/// A work item in the field [`BottomHalfJob::WORK`] of a `T` that lives in an [`Arc`].
///
/// # Invariants
///
/// While `tasklet` is scheduled, `owner` comes from [`Arc::into_raw`] of the object that the item is part of, and that reference
/// belongs to the item, which its queue counts.
#[pin_data]
pub struct BottomHalfWork<T: Send + Sync + 'static, J: BottomHalfJob<T>> {
    #[pin]
    tasklet: Opaque<bindings::tasklet_struct>,
    owner: AtomicPtr<c_void>,
    _calls: PhantomData<Calls<T, J>>,
}

// SAFETY: A tasklet may be scheduled from any context.
unsafe impl<T: Send + Sync, J: BottomHalfJob<T>> Send for BottomHalfWork<T, J> {}
// SAFETY: A tasklet is scheduled once, and done on one CPU at a time, whoever schedules it.
unsafe impl<T: Send + Sync, J: BottomHalfJob<T>> Sync for BottomHalfWork<T, J> {}

impl<T: Send + Sync, J: BottomHalfJob<T>> BottomHalfWork<T, J> {
    /// Initialises an idle work item.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            tasklet <- Opaque::ffi_init(|tasklet: *mut bindings::tasklet_struct| {
                // SAFETY: `tasklet` is valid for writes.
                unsafe { bindings::tasklet_setup(tasklet, Some(run::<T, J>)) }
            }),
            owner: AtomicPtr::new(core::ptr::null_mut()),
            _calls: PhantomData,
        })
    }

    /// Queues the work item of `object` on this CPU. From any context.
    ///
    /// Returns whether this call has queued it: an item that is queued already stays as it is, and a queue that is not open
    /// takes none. An item whose work is being done on another CPU waits for it on this one.
    pub fn queue(object: Arc<T>) -> bool {
        let guard = rcu::read_lock();
        let Some(room) = J::queue().room(&guard) else {
            return false;
        };
        let item = J::WORK.of(&object);
        let (tasklet, owner) = (item.tasklet.get(), &raw const item.owner);
        // SAFETY: The tasklet is initialised, and is there as long as the reference.
        if !unsafe { bindings::claim_tasklet(tasklet) } {
            return false;
        }
        room.fill();
        let raw = object.into_raw().cast_mut();
        // SAFETY: The field is there as long as the reference, which is kept in `raw`.
        let owner = unsafe { &*owner };
        // ORDERING: Relaxed: this CPU runs the tasklet, later.
        owner.store(raw, Ordering::Relaxed);
        // INVARIANT: The item owns the reference in `owner`, and was counted.
        // SAFETY: This call has claimed the tasklet, whose memory lives as long as the reference that it owns, and a grace period. C
        // uses it in that time only: the bottom half that runs it is a read-side section.
        unsafe { bindings::__tasklet_schedule(tasklet) };
        true
    }
}

/// The function of the tasklets.
///
/// # Safety
///
/// `tasklet` must be that of a [`BottomHalfWork<T, J>`] that was scheduled until now, and this a bottom half.
unsafe extern "C" fn run<T: Send + Sync + 'static, J: BottomHalfJob<T>>(
    tasklet: *mut bindings::tasklet_struct,
) {
    // SAFETY: By the contract it is this field of a `BottomHalfWork<T, J>`.
    #[allow(
        clippy::multiple_unsafe_ops_per_block,
        reason = "the macro makes two of one"
    )]
    let item = unsafe {
        container_of!(
            Opaque::cast_from(tasklet).cast_mut(),
            BottomHalfWork<T, J>,
            tasklet
        )
    };
    // SAFETY: The item is part of an object that the reference it owns keeps alive.
    let owner = unsafe { (*item).owner.load(Ordering::Relaxed) };
    J::queue().leave();
    // SAFETY: The item was scheduled until now, so by the type invariant it had this reference, and gives it up. C uses the tasklet
    // once more when this has returned, to unlock it; that is in this bottom half, which the object's grace period waits for. What is
    // queued from here on has a reference of its own.
    let owner = unsafe { Arc::from_raw(owner) };
    // INVARIANT: Tasklets are done in bottom halves.
    J::run(owner, &BottomHalf(NotThreadSafe));
}
