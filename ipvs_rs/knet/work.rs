// SPDX-License-Identifier: GPL-2.0

//! Work that is part of the object it acts on, done in process context, now or later.
//!
//! Like a [`Timer`](crate::timer::Timer), queued work holds a reference to its object and hands it
//! to the function that does the work. The kernel crate's work items need its own `Arc`; these
//! take ours, which RCU readers share.
//!
//! ```text
//!            queue                   (time passes)
//!   idle ──────────────> queued ──────────────────> run(Arc<T>)
//!     │                     │
//!     └──── disable_sync ───┴──> disabled, for ever
//! ```
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use core::{
    ffi::c_void,
    marker::PhantomData,
    sync::atomic::{AtomicPtr, Ordering},
};
use ipvs_sys as bindings;
use kernel::{container_of, prelude::*, types::Opaque};

use crate::{field::Field, percpu::OnlineCpu, rcu::Arc};

/// Leaves the choice of a CPU to the workqueue (`WORK_CPU_UNBOUND`).
const ANY_CPU: i32 = bindings::wq_misc_consts_WORK_CPU_UNBOUND as i32;

/// A kind of work on a `T`. The implementing type is only a name for it.
pub trait Job<T: Send + Sync + 'static>: Sized + 'static {
    /// Where the work item of this kind is in an object.
    const WORK: Field<T, Work<T, Self>>;

    /// Does the work. May sleep. The work item is idle, and may be queued again.
    fn run(object: Arc<T>);
}

/// What a [`Work`] owns now and then, and what it calls.
type Calls<T, J> = (Arc<T>, fn(J));

/// A work item, part of a `T` that lives in an [`Arc`].
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
    /// An idle work item.
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

    /// Lets the work of `object` be done in `delay` ticks, unless it is queued already.
    pub fn queue(object: &Arc<T>, delay: usize) {
        // SAFETY: Set when the kernel starts.
        let workqueue = unsafe { bindings::system_dfl_long_wq };
        Self::queue_to(object, ANY_CPU, workqueue, delay);
    }

    /// The same on a certain CPU, which stays online until the work is queued. Should it go later, the
    /// work is done on another one.
    pub fn queue_on(object: &Arc<T>, cpu: &OnlineCpu<'_>, delay: usize) {
        // SAFETY: Set when the kernel starts.
        let workqueue = unsafe { bindings::system_percpu_wq };
        // CAST: A small number.
        Self::queue_to(object, cpu.number() as i32, workqueue, delay);
    }

    fn queue_to(
        object: &Arc<T>,
        cpu: i32,
        workqueue: *mut bindings::workqueue_struct,
        delay: usize,
    ) {
        let item = J::WORK.of(object);
        let raw = object.clone().into_raw();
        item.owner.store(raw.cast_mut(), Ordering::Relaxed);
        // INVARIANT: If this queues the item, the item now owns the reference in `owner`.
        // SAFETY: The item is initialised, and lives as long as the reference; the workqueue is one
        // of the kernel's own.
        let queued =
            unsafe { bindings::queue_delayed_work_on(cpu, workqueue, item.work.get(), delay) };
        if !queued {
            // SAFETY: The queued item has a reference already, so this one is taken back.
            drop(unsafe { Arc::<T>::from_raw(raw) });
        }
    }

    /// Takes the work off the queue, waits until it is not being done, and lets nobody queue it any
    /// more. May sleep.
    pub fn disable_sync(&self) {
        // SAFETY: `new` has initialised the item, which lives as long as `self`. C counts how often
        // an item was disabled, in as many bits as no caller fills.
        let was_queued = unsafe { bindings::disable_delayed_work_sync(self.work.get()) };
        if was_queued {
            let owner = self.owner.load(Ordering::Relaxed);
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
