// SPDX-License-Identifier: GPL-2.0

//! Work items that are part of the object they act on. The work is done in process context, at once
//! or after a delay.
//!
//! Like a [`Timer`](crate::timer::Timer), a queued work item holds a reference to its object and
//! hands it to the function that does the work. The kernel crate's work items need its own `Arc`;
//! these take [`rcu::Arc`](crate::rcu::Arc), which RCU readers share.
//!
//! ```text
//!            queue                   (time passes)
//!   idle ──────────────> queued ──────────────────> run(Arc<T>)
//!     │                     │
//!     └──── disable_sync ───┴──> disabled, for ever
//! ```
//!
//! Each function takes the object and finds the work item by [`Job::WORK`], whose type proves at
//! compile time that the object has such an item there. An item in any other place cannot be used.
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::{field::{field, Field}, rcu::Arc, time::HZ, work::{Job, Work}};
//! #[pin_data]
//! struct Cache {
//!     #[pin]
//!     shrinking: Work<Cache, Shrink>,
//! }
//!
//! struct Shrink;
//!
//! impl Job<Cache> for Shrink {
//!     const WORK: Field<Cache, Work<Cache, Self>> = field!(Cache, shrinking);
//!
//!     fn run(_cache: Arc<Cache>) {
//!         pr_info!("shrinking\n");
//!     }
//! }
//!
//! let cache = Arc::pin_init(pin_init!(Cache { shrinking <- Work::new() }), GFP_KERNEL)?;
//! assert!(Work::<Cache, Shrink>::queue(&cache, HZ));
//! assert!(!Work::<Cache, Shrink>::queue(&cache, HZ));
//! Work::<Cache, Shrink>::disable_sync(&cache);
//! # Ok::<(), Error>(())
//! ```
//!
//! Work in bottom halves is another kind: [`BottomHalfWork`].
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

mod bottom_half;
mod queue;

pub use bottom_half::{
    BottomHalf, BottomHalfJob, BottomHalfQueue, BottomHalfWork, OpenBottomHalfQueue,
};
pub use queue::{OpenQueue, Queue};

use core::{
    marker::PhantomData,
    sync::atomic::{AtomicPtr, Ordering},
};
use ipvs_sys as bindings;
use kernel::{container_of, prelude::*, task::Task, types::Opaque};

use crate::{
    field::Field,
    percpu::OnlineCpu,
    rcu::{self, Arc},
};

/// Leaves the choice of a CPU to the workqueue (`WORK_CPU_UNBOUND`).
const ANY_CPU: i32 = bindings::wq_misc_consts_WORK_CPU_UNBOUND as i32;

/// Does work with another priority of the current thread, from -20, the highest, to 19 (`set_user_nice`). Other values change
/// nothing. The thread has its own priority again afterwards.
pub fn with_nice(nice: i32, work: impl FnOnce()) {
    // SAFETY: No preconditions.
    let before = unsafe { bindings::current_nice() };
    if nice == before {
        return work();
    }
    // CAST: A wider type.
    let (wanted, before) = (nice as isize, before as isize);
    // SAFETY: The current task is alive.
    unsafe { bindings::set_user_nice(Task::current_raw().cast(), wanted) };
    work();
    // SAFETY: The current task is still alive.
    unsafe { bindings::set_user_nice(Task::current_raw().cast(), before) };
}

/// Lets others run, if it is their turn, amid work that takes long (`cond_resched`). May sleep.
pub fn relax() {
    // SAFETY: There are no preconditions besides being allowed to sleep, as the caller is told.
    unsafe { bindings::relax() };
}

/// A kind of work on a `T`. The implementing type only names it.
pub trait Job<T: Send + Sync + 'static>: Sized + 'static {
    /// The field of an object that its work item of this kind is in.
    const WORK: Field<T, Work<T, Self>>;

    /// Does the work. May sleep. The work item is idle and may be queued again.
    fn run(object: Arc<T>);
}

/// The types that a [`Work`] owns while it is queued, and that it calls.
type Calls<T, J> = (Arc<T>, fn(J));

/// A work item in the field [`Job::WORK`] of a `T` that lives in an [`Arc`].
///
/// # Invariants
///
/// While `work` is queued, `owner` comes from [`Arc::into_raw`] of the object that the item is
/// part of, and that reference belongs to the item.
#[pin_data]
pub struct Work<T: Send + Sync + 'static, J: Job<T>> {
    #[pin]
    work: Opaque<bindings::delayed_work>,
    owner: AtomicPtr<c_void>,
    _calls: PhantomData<Calls<T, J>>,
}

// SAFETY: The kernel's workqueue functions may be called from any context.
unsafe impl<T: Send + Sync, J: Job<T>> Send for Work<T, J> {}
// SAFETY: The kernel's workqueue functions serialise themselves.
unsafe impl<T: Send + Sync, J: Job<T>> Sync for Work<T, J> {}

impl<T: Send + Sync, J: Job<T>> Work<T, J> {
    /// Initialises an idle work item.
    pub fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            work <- Opaque::ffi_init(|work: *mut bindings::delayed_work| {
                // SAFETY: `work` is valid for writes.
                unsafe { bindings::init_delayed_work(work, Some(run::<T, J>)) }
            }),
            owner: AtomicPtr::new(core::ptr::null_mut()),
            _calls: PhantomData,
        })
    }

    /// Queues the work item of `object`, to be run after `delay` ticks.
    ///
    /// Returns whether this call has queued it: an item that is queued already stays as it is, and a
    /// disabled one is never queued.
    pub fn queue(object: &Arc<T>, delay: usize) -> bool {
        // SAFETY: Set when the kernel starts.
        let workqueue = unsafe { bindings::system_dfl_long_wq };
        Self::queue_to(object, ANY_CPU, workqueue, delay)
    }

    /// Does the same as [`Work::queue`], on the CPU `cpu`, which stays online until the item is
    /// queued. If the CPU goes offline after that, the work is done on another one.
    pub fn queue_on(object: &Arc<T>, cpu: &OnlineCpu<'_>, delay: usize) -> bool {
        // SAFETY: Set when the kernel starts.
        let workqueue = unsafe { bindings::system_percpu_wq };
        // CAST: A small number.
        Self::queue_to(object, cpu.number() as i32, workqueue, delay)
    }

    /// Queues the work item of `object` on this CPU, in a queue of its module, to be run at once.
    ///
    /// Returns whether this call has queued it, as [`Work::queue`] does; a queue that is not open takes none.
    pub fn queue_in(object: &Arc<T>, queue: &Queue) -> bool {
        let guard = rcu::read_lock();
        match queue.get(&guard) {
            // Without a delay, so that no timer of the item outlives the queue.
            Some(workqueue) => Self::queue_to(object, ANY_CPU, workqueue, 0),
            None => false,
        }
    }

    fn queue_to(
        object: &Arc<T>,
        cpu: i32,
        workqueue: *mut bindings::workqueue_struct,
        delay: usize,
    ) -> bool {
        let item = J::WORK.of(object);
        let raw = object.clone().into_raw();
        item.owner.store(raw.cast_mut(), Ordering::Relaxed);
        // INVARIANT: If this queues the item, the item now owns the reference in `owner`.
        // SAFETY: The item is initialised, and lives as long as the reference; the workqueue is one
        // of the kernel's own, or stays until it has done what was queued in this section.
        let queued =
            unsafe { bindings::queue_delayed_work_on(cpu, workqueue, item.work.get(), delay) };
        if !queued {
            // SAFETY: The queued item has a reference already, so this one is taken back.
            drop(unsafe { Arc::<T>::from_raw(raw) });
        }
        queued
    }

    /// Disables the work item of `object` for ever: takes it off the queue, and waits until the work
    /// is not being done. May sleep.
    pub fn disable_sync(object: &T) {
        let item = J::WORK.of(object);
        // SAFETY: `new` has initialised the item, which lives as long as `object`. C counts how often
        // an item was disabled, in as many bits as no caller fills.
        let was_queued = unsafe { bindings::disable_delayed_work_sync(item.work.get()) };
        if was_queued {
            let owner = item.owner.load(Ordering::Relaxed);
            // SAFETY: The item was queued, so by the type invariant it had this reference. The
            // workqueue, its last reader, has let go of the item.
            drop(unsafe { Arc::<T>::from_raw(owner) });
        }
    }
}

/// The function that the workqueue calls.
///
/// # Safety
///
/// `work` must be the work of a [`Work<T, J>`] that was queued until now.
unsafe extern "C" fn run<T: Send + Sync + 'static, J: Job<T>>(work: *mut bindings::work_struct) {
    // SAFETY: Delayed work calls its function with this field.
    #[allow(
        clippy::multiple_unsafe_ops_per_block,
        reason = "the macro makes two of one"
    )]
    let delayed = unsafe { container_of!(work, bindings::delayed_work, work) };
    // SAFETY: By the contract it is this field of a `Work<T, J>`.
    #[allow(
        clippy::multiple_unsafe_ops_per_block,
        reason = "the macro makes two of one"
    )]
    let item = unsafe { container_of!(Opaque::cast_from(delayed).cast_mut(), Work<T, J>, work) };
    // SAFETY: The item is part of an object that the reference it owns keeps alive.
    let owner = unsafe { (*item).owner.load(Ordering::Relaxed) };
    // SAFETY: The item was queued until now, so by the type invariant it had this reference, and gives
    // it up. C does not use the item again: what is queued from here on has a reference of its own.
    J::run(unsafe { Arc::from_raw(owner) });
}
