// SPDX-License-Identifier: GPL-2.0

//! Modules: keeping one loaded, and asking for one to be loaded.
//!
//! C headers: [`include/linux/module.h`](srctree/include/linux/module.h),
//! [`include/linux/kmod.h`](srctree/include/linux/kmod.h)

use core::sync::atomic::{AtomicUsize, Ordering};
use ipvs_sys as bindings;
use kernel::{fmt, prelude::*};

mod parameter;
pub use parameter::{Parameter, Parameters};

/// A reference to a module, which stays loaded until it is dropped.
///
/// # Invariants
///
/// A reference to `module` was taken and belongs to this value.
pub struct ModuleRef {
    module: &'static ThisModule,
}

impl ModuleRef {
    /// A reference to `module`, or [`None`] if it is being unloaded.
    pub fn try_new(module: &'static ThisModule) -> Option<Self> {
        // SAFETY: `ThisModule` is a module, or null for code that is built in.
        let taken = unsafe { bindings::try_module_get(module.as_ptr().cast()) };
        // INVARIANT: The reference was just taken.
        taken.then_some(Self { module })
    }

    /// The module.
    pub(crate) fn module(&self) -> &'static ThisModule {
        self.module
    }

    /// A reference to the module of the caller.
    #[inline(always)]
    pub fn own() -> Option<Self> {
        Self::try_new(own())
    }
}

/// The module of the caller, which is a function that is inlined or generic: such code is compiled
/// into each module that uses it, and the linker knows that module's `__this_module`. All other code
/// of this crate is in the base, of which nobody wants to know (gate `base`).
#[inline(always)]
pub(crate) fn own() -> &'static ThisModule {
    const RAW: *const bindings::module = &raw const bindings::__this_module;
    // Not a static, of which there would be one for all modules.
    const OWN: &ThisModule = &{
        // SAFETY: `__this_module` is the module's own, and there as long as its code.
        unsafe { ThisModule::from_ptr(RAW.cast_mut().cast()) }
    };
    OWN
}

impl Clone for ModuleRef {
    fn clone(&self) -> Self {
        // SAFETY: This value has a reference to the module, so there may be another.
        unsafe { bindings::__module_get(self.module.as_ptr().cast()) };
        // INVARIANT: The reference was just taken.
        Self {
            module: self.module,
        }
    }
}

impl Drop for ModuleRef {
    fn drop(&mut self) {
        // SAFETY: The reference was taken when this value was made, and is given up once.
        unsafe { bindings::module_put(self.module.as_ptr().cast()) };
    }
}

/// References to one module, which are counted and not kept one by one.
///
/// For users that have no room for a [`ModuleRef`].
///
/// # Invariants
///
/// `count` references to `module` were taken and belong to this value.
pub struct Claims {
    module: &'static ThisModule,
    count: AtomicUsize,
}

impl Claims {
    /// None on `module` yet.
    pub const fn new(module: &'static ThisModule) -> Self {
        // INVARIANT: There are none.
        Self {
            module,
            count: AtomicUsize::new(0),
        }
    }

    /// Takes one more, unless the module is being unloaded. Returns whether it did.
    pub fn take(&self) -> bool {
        let Some(reference) = ModuleRef::try_new(self.module) else {
            return false;
        };
        // INVARIANT: The reference belongs to this value from here on.
        core::mem::forget(reference);
        // ORDERING: Release, paired with the update in `give_back`: it was taken before it is given back.
        self.count.fetch_add(1, Ordering::Release);
        true
    }

    /// Gives one back, if there is one.
    pub fn give_back(&self) {
        let less = |count: usize| count.checked_sub(1);
        // ORDERING: Acquire, paired with the addition in `take`; Relaxed if nothing changes.
        let counted = self
            .count
            .fetch_update(Ordering::Acquire, Ordering::Relaxed, less);
        if counted.is_ok() {
            // INVARIANT: The reference that this value gives up was taken off the count.
            drop(ModuleRef {
                module: self.module,
            });
        }
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        for _ in 0..*self.count.get_mut() {
            self.give_back();
        }
    }
}

/// Asks user space to load a module, and waits until that is done or has failed. May sleep.
///
/// That it succeeded does not mean that the module is there still, or ever was: look again.
///
/// # Errors
///
/// What modprobe failed with, or why it could not be run.
pub fn request_module(name: fmt::Arguments<'_>) -> Result {
    let format = c"%pA";
    // SAFETY: `%pA` takes a pointer to `fmt::Arguments`.
    let status = unsafe {
        bindings::__request_module(
            true,
            format.as_char_ptr(),
            core::ptr::from_ref(&name).cast::<c_void>(),
        )
    };
    match status {
        0 => Ok(()),
        negative if negative < 0 => Err(Error::from_errno(negative)),
        _exit_status => Err(ENOENT),
    }
}

/// Keeps `value` and the module of the caller for good, because the kernel still has pointers to `value`
/// that can no longer be taken back.
///
/// For destructors of what should have been given back in another way, named by `what`.
#[cold]
#[inline]
pub(crate) fn leak<T>(value: T, what: &str) {
    pr_err!("{what}: dropped but not taken back, so it stays\n");
    core::mem::forget(value);
    // SAFETY: The caller is a part of the module, which has not been unloaded.
    unsafe { bindings::__module_get(own().as_ptr().cast()) };
}
