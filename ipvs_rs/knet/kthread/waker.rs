// SPDX-License-Identifier: GPL-2.0

//! What ends the sleep of a kernel thread.

use core::sync::atomic::{AtomicU32, Ordering};
use ipvs_sys as bindings;
use kernel::{prelude::*, static_lock_class, sync::Arc, types::Opaque};

use super::Current;

/// Wakes one thread, from any context. It may outlive the thread.
#[derive(Clone)]
pub struct Waker(Arc<Shared>);

/// What a thread and those who wake it share.
#[pin_data]
struct Shared {
    /// Not 0 from a call until the thread has seen it.
    called: AtomicU32,
    #[pin]
    queue: Opaque<bindings::wait_queue_head>,
}

// SAFETY: A wait queue may be used by any thread.
unsafe impl Send for Shared {}
// SAFETY: A wait queue has a lock of its own, and the number is atomic.
unsafe impl Sync for Shared {}

impl Waker {
    /// The waker of a new thread.
    pub(super) fn new() -> Result<Self> {
        let key = static_lock_class!();
        let init = pin_init!(Shared {
            called: AtomicU32::new(0),
            queue <- Opaque::ffi_init(|queue: *mut bindings::wait_queue_head| {
                // SAFETY: `queue` is valid for writes; the name and the key live for ever.
                unsafe {
                    bindings::__init_waitqueue_head(
                        queue,
                        c"kthread_waker".as_char_ptr(),
                        key.as_ptr().cast(),
                    )
                }
            }),
        });
        Ok(Self(Arc::pin_init(init, GFP_KERNEL)?))
    }

    /// Ends the sleep of the thread, or the next one if it does not sleep ([`Current::sleep`]).
    pub fn wake(&self) {
        // ORDERING: Release, paired with the swap in `take`: the thread sees what was done before the call. The
        // lock of the queue orders the store before C looks for a sleeper.
        self.0.called.store(1, Ordering::Release);
        // SAFETY: The queue is initialised. Its lock may be taken in any context.
        unsafe { bindings::wake_up(self.0.queue.get()) };
    }

    /// Lets the current thread sleep until somebody has called, or it is to end, or the time is up.
    pub(super) fn wait(&self, _thread: &Current, ticks: usize) {
        // CAST: The bits of a length of time; more than half of what fits is as good as for ever.
        let ticks = ticks.min(isize::MAX as usize);
        // SAFETY: The queue is initialised, and lives as long as `self`. So does the number, which is read whole. The current
        // task is a kernel thread, as there is a `Current`, and C asks that whether it is to end.
        unsafe { bindings::kthread_sleep(self.0.queue.get(), self.0.called.as_ptr(), ticks) };
    }

    /// Whether somebody has called since this was asked.
    pub(super) fn take(&self) -> bool {
        // ORDERING: Acquire, paired with the store in `wake`.
        self.0.called.swap(0, Ordering::Acquire) != 0
    }
}
