// SPDX-License-Identifier: GPL-2.0

//! Kernel threads that run a closure until they are asked to stop.
//!
//! ```text
//!   start ──> runs <──────> sleeps in Current::sleep, or waits for a socket
//!               │               │ woken, time is up, stop
//!               v               v
//!            the closure returns ──> ended <── stop, drop: ask, and wait for the end
//! ```
//!
//! A closure is given a [`Current`], by which it asks whether to stop, and sleeps. Whoever has a
//! [`Waker`] ends such a sleep, from any context. What the closure owns is dropped once: by the thread when it
//! ends, or by whoever stops a thread that has not begun.
//!
//! A thread keeps the module of its code loaded until it was waited for. So a module does not start a
//! thread that is to run for as long as the module is loaded; one that runs on demand keeps the module in
//! use meanwhile.
//!
//! # Examples
//!
//! ```rust
//! # use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
//! # use kernel::{prelude::*, sync::Arc};
//! # use knet::{kthread::{Thread, Woken}, time::HZ};
//! let rounds = Arc::new(AtomicU32::new(0), GFP_KERNEL)?;
//! let counted = rounds.clone();
//! let thread = Thread::start(fmt!("counter:{}", 0), move |current| {
//!     while current.sleep(HZ) != Woken::Stopping {
//!         counted.fetch_add(1, Relaxed);
//!     }
//! })?;
//! thread.waker().wake();
//! thread.stop();
//! pr_info!("{} rounds\n", rounds.load(Relaxed));
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)

mod waker;

pub use waker::Waker;

use core::ptr::NonNull;
use ipvs_sys as bindings;
use kernel::{
    error::from_err_ptr, fmt, prelude::*, sync::aref::ARef, task::Task, types::NotThreadSafe,
};

use crate::{
    late::{sleeps, Late, Room},
    module::ModuleRef,
};

/// Leaves the choice of memory to the kernel (`NUMA_NO_NODE`).
const ANY_NODE: c_int = -1;

/// Why a thread does not sleep any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The thread is to end.
    Stopping,
    /// What it has waited for is there.
    Ready,
    /// The time is up.
    TimedOut,
}

/// The thread that a closure runs in, as long as it does.
///
/// # Invariants
///
/// The current task is a kernel thread that [`Thread::start`] has made, and stays so, as neither this nor
/// a reference to it can go to another thread.
pub struct Current {
    waker: Waker,
    _thread: NotThreadSafe,
}

impl Current {
    /// Whether the thread is to end (`kthread_should_stop`).
    pub fn should_stop(&self) -> bool {
        // SAFETY: By the type invariant the current task is a kernel thread, which C looks at here.
        unsafe { bindings::kthread_should_stop() }
    }

    /// Sleeps until [`Waker::wake`] was called, or the thread is to end, or `ticks` have passed.
    ///
    /// A call of `wake` from before the sleep ends it at once; it counts until a sleep was ended by it.
    pub fn sleep(&self, ticks: usize) -> Woken {
        self.waker.wait(self, ticks);
        if self.should_stop() {
            return Woken::Stopping;
        }
        match self.waker.take() {
            true => Woken::Ready,
            false => Woken::TimedOut,
        }
    }

    /// Sets the priority of the thread, from -20, the highest, to 19. Other values change nothing
    /// (`set_user_nice`).
    ///
    /// This is for the thread itself only, as C looks at more of a task than its memory, which an ended one
    /// has no more.
    pub fn set_nice(&self, nice: i8) {
        // SAFETY: The current task is alive.
        unsafe { bindings::set_user_nice(Task::current_raw().cast(), nice.into()) };
    }
}

/// What a new thread is given.
struct Argument<F> {
    waker: Waker,
    run: F,
}

/// A kernel thread. When this is dropped, the thread is stopped, as [`Thread::stop`] says; where nothing may sleep, soon after that.
pub struct Thread {
    started: Late<Started>,
}

/// A kernel thread that is stopped when this is dropped, which sleeps.
///
/// # Invariants
///
/// [`Thread::start`] has made `task`, and woken it once. `argument` is what it was made with: it belongs to
/// the thread if that has begun, or will; and otherwise to this, and `drop_argument` fits it.
struct Started {
    task: ARef<Task>,
    waker: Waker,
    argument: NonNull<c_void>,
    drop_argument: unsafe fn(NonNull<c_void>),
    module: ModuleRef,
}

// SAFETY: Any thread may stop another one. The argument is of a type that is `Send`.
unsafe impl Send for Started {}
// SAFETY: With a `&Started` its task is only read, and its waker used, which is `Sync`.
unsafe impl Sync for Started {}

impl Thread {
    /// Starts a thread of this name, which runs `run` and ends. Tools show 15 bytes of a name, the
    /// kernel's lists all of it. May sleep.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the caller's module is being removed; `ENOMEM` or `EAGAIN` if the kernel cannot make a thread,
    /// `EINTR` if the current process is killed meanwhile. `run` is dropped then.
    pub fn start<F>(name: fmt::Arguments<'_>, run: F) -> Result<Self>
    where
        F: FnOnce(&Current) + Send + 'static,
    {
        let module = ModuleRef::own().ok_or(ENODEV)?;
        let room = Room::new()?;
        let waker = Waker::new()?;
        let given = waker.clone();
        let argument = KBox::new(Argument { waker: given, run }, GFP_KERNEL)?;
        let argument = NonNull::from(KBox::leak(argument)).cast::<c_void>();
        let format = c"%pA";
        // SAFETY: `%pA` takes a pointer to `fmt::Arguments`, which C has read when the call returns. The
        // argument is valid for `main`, which the module of this function has in it: see `Drop`.
        let task = unsafe {
            bindings::kthread_create_on_node(
                Some(main::<F>),
                argument.as_ptr(),
                ANY_NODE,
                format.as_char_ptr(),
                core::ptr::from_ref(&name).cast::<c_void>(),
            )
        };
        let task = from_err_ptr(task).inspect_err(|_| {
            // SAFETY: Nobody has the argument: the kernel has made no thread, or one that ends without a call of
            // `main` as its maker was killed (`kthread` in `kernel/kthread.c`).
            unsafe { drop_argument::<F>(argument) }
        })?;
        // SAFETY: `Task` is a transparent wrapper, and a thread that was never woken does not end.
        let task: ARef<Task> = unsafe { &*task.cast::<Task>() }.into();
        task.wake_up();
        // INVARIANT: The task was just made with this argument, and woken.
        let started = Started {
            task,
            waker,
            argument,
            drop_argument: drop_argument::<F>,
            module,
        };
        Ok(Self {
            started: room.fill(started),
        })
    }

    /// What ends the sleep of the thread.
    pub fn waker(&self) -> &Waker {
        &self.started.waker
    }

    /// The number of the thread among processes, as the first namespace of these sees it. It may be that of another one
    /// once the thread has ended.
    pub fn pid(&self) -> i32 {
        self.started.task.pid()
    }

    /// Asks the thread to end, and waits until it has (`kthread_stop`). One that has ended by itself is not
    /// waited for. One that has not begun does not. May sleep.
    ///
    /// For a thread that stops itself this does nothing: it would wait for ever. It runs on, nobody can ask it any
    /// more, and its module stays loaded for good. Where it may not sleep, it is asked, and another one waits.
    pub fn stop(self) {}
}

sleeps!(Started);

impl Drop for Started {
    fn drop(&mut self) {
        if core::ptr::eq(self.task.as_ptr(), Task::current_raw()) {
            pr_err!("a kernel thread cannot wait for its own end, so its module stays\n");
            core::mem::forget(self.module.clone());
            return;
        }
        // SAFETY: The task is a kernel thread, and there as long as `self.task`. C waits until the exit of the task
        // gives up its memory (`mm_release` in `kernel/fork.c`), which is a call in the kernel's own code after `main` has
        // returned to it. So when this returns, the thread is through with the code of our module, and with
        // what that has borrowed; until then `self.module` keeps the code.
        let status = unsafe { bindings::kthread_stop(self.task.as_ptr().cast()) };
        if status == EINTR.to_errno() {
            // SAFETY: `main` returns another number, so it was not called, and will not be; this happens once.
            unsafe { (self.drop_argument)(self.argument) };
        }
    }
}

/// Drops the argument of a thread that does not begin.
///
/// # Safety
///
/// `argument` must be the [`Argument<F>`] of such a thread, and never be used again.
unsafe fn drop_argument<F>(argument: NonNull<c_void>) {
    // SAFETY: By the contract it comes from a `KBox` of this type, which nobody else has.
    drop(unsafe { KBox::<Argument<F>>::from_raw(argument.as_ptr().cast()) });
}

/// The function of a thread.
///
/// # Safety
///
/// `argument` must be that of the current thread, an [`Argument<F>`], which is this call's.
unsafe extern "C" fn main<F: FnOnce(&Current)>(argument: *mut c_void) -> c_int {
    // SAFETY: By the contract it comes from a `KBox` of this type, which nobody else has.
    let argument = unsafe { KBox::<Argument<F>>::from_raw(argument.cast()) };
    let Argument { waker, run } = KBox::into_inner(argument);
    // INVARIANT: The kernel calls this in the new thread.
    run(&Current {
        waker,
        _thread: NotThreadSafe,
    });
    0
}
