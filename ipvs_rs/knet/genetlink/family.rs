// SPDX-License-Identifier: GPL-2.0

//! Families of commands, and their registration.

use core::sync::atomic::{AtomicBool, Ordering};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*, task::might_sleep, types::Opaque};

use super::{owned::OwnedMessage, Full, Group, Message, Operation, Policy};
use crate::{
    errno::enobufs,
    module,
    net_namespace::Net,
    rcu::{self, Guard},
};

/// A family of commands. It lives in a static of the module that answers them.
///
/// # Last reader
///
/// A command is gone when `genl_unregister_family` returns, which waits for those that run. A dump
/// that goes on after that has a reference to the module, and so to the family, until it is done.
/// While the module is being loaded that would not keep it, should loading fail: no dump begins
/// before the family was [opened](Registration::open).
///
/// # Invariants
///
/// `inner` is valid for `genl_register_family`, but for `module` and the bit fields, which
/// [`GenlFamily::register`] sets. `registered` is true while the C core may know `inner`. In a
/// read-side section in which `open` was true, `inner` stays registered.
#[repr(C)]
pub struct GenlFamily {
    /// The first field, so a pointer to it, as C has one, is a pointer to the family.
    inner: Opaque<bindings::genl_family>,
    registered: AtomicBool,
    open: AtomicBool,
}

// SAFETY: `inner` is changed only by `register`, and by the C core under its own lock.
unsafe impl Sync for GenlFamily {}

impl GenlFamily {
    /// A family of this name, of 15 bytes at most.
    ///
    /// `policy` is indexed by the number of the attribute; its first element is not used.
    /// Commands from `reserved_start` on get no leniency: see [`Operation::liberal`].
    ///
    /// All namespaces have it, and commands may run at the same time.
    // Inlined, so that what the compiler does with it does not remain as a function.
    #[inline]
    pub const fn new(
        name: &'static str,
        version: u8,
        reserved_start: u8,
        policy: &'static [Policy],
        operations: &'static [Operation],
        groups: &'static [Group],
    ) -> Self {
        let mut family = bindings::genl_family {
            version: version as u32,
            resv_start_op: reserved_start,
            // CAST: `Policy` and `Operation` are transparent; the C core only reads them.
            policy: policy.as_ptr().cast(),
            ops: operations.as_ptr().cast(),
            // CAST: As above.
            mcgrps: groups.as_ptr().cast(),
            ..pin_init::zeroed()
        };
        // These run when the static is made: what does not fit is an error of the compiler.
        let name = name.as_bytes();
        assert!(name.len() < family.name.len());
        assert!(!policy.is_empty() && operations.len() < 256 && groups.len() < 256);
        let mut i = 0;
        while i < name.len() {
            family.name[i] = name[i];
            i += 1;
        }
        family.maxattr = policy.len() as u32 - 1;
        family.n_ops = operations.len() as u8;
        family.n_mcgrps = groups.len() as u8;
        Self {
            inner: Opaque::new(family),
            registered: AtomicBool::new(false),
            open: AtomicBool::new(false),
        }
    }

    /// Lets user space find the family of the caller's module, from now until the registration is dropped.
    /// Commands may come at once, but no dumps yet. The module stays loaded while a dump goes on.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the family is registered already, `EEXIST` if another has its name, `ENOMEM`.
    #[inline]
    pub fn register(&'static self) -> Result<Registration> {
        // ORDERING: Acquire, paired with the store below: a registration after a failure sees what
        // was written to the family before.
        if self.registered.swap(true, Ordering::Acquire) {
            return Err(EBUSY);
        }
        let family = self.inner.get();
        // SAFETY: `registered` was false, so nobody else uses the family, until `inner` is given to
        // C below.
        let inner = unsafe { &mut *family };
        inner.module = module::own().as_ptr().cast();
        inner.set_netnsok(1);
        inner.set_parallel_ops(1);
        // SAFETY: `GenlFamily::new` and the lines above have filled it. It is a static, so it stays
        // where it is until the last reader is gone.
        to_result(unsafe { bindings::genl_register_family(family) }).inspect_err(|_| {
            // ORDERING: Release, paired with the swap above.
            self.registered.store(false, Ordering::Release);
        })?;
        Ok(Registration { family: self })
    }

    /// Whether dumps may begin, and announcements be made.
    pub(super) fn is_open(&self) -> bool {
        // ORDERING: Acquire, paired with the store in `Registration::open`: the family is seen
        // registered, and all else that was made before.
        self.open.load(Ordering::Acquire)
    }

    /// The family that C has called an operation of.
    ///
    /// # Safety
    ///
    /// `inner` must be that of a `GenlFamily`.
    pub(super) unsafe fn of<'a>(inner: *const bindings::genl_family) -> &'a Self {
        // SAFETY: It is the first field of a static.
        unsafe { &*inner.cast() }
    }
}

impl GenlFamily {
    /// Whether somebody in `net` listens to a group; for the section of the guard the family is
    /// registered then.
    fn listened_to(&self, net: &Net, group: u32, _guard: &Guard) -> bool {
        let family = self.inner.get();
        if !self.is_open() {
            return false;
        }
        // SAFETY: `register` has filled it, and C does not change this.
        let count = u32::from(unsafe { (*family).n_mcgrps });
        // SAFETY: It was open in the section of the guard, so it stays registered, and there is
        // such a group.
        group < count && unsafe { bindings::genl_has_listeners(family, net.as_ptr(), group) }
    }

    /// Sends a message with the attributes that `write` appends to the sockets in `net` that have
    /// joined the group with the index `group`. May sleep; `write` may not.
    ///
    /// Without such sockets `write` is not called. If memory is short, each socket gets the error
    /// `ENOBUFS`, which says that it has missed a message.
    pub fn multicast(
        &self,
        net: &Net,
        group: u32,
        command: u8,
        write: impl FnOnce(&mut Message<'_>, &Guard) -> Result<(), Full>,
    ) {
        // Before the check for listeners, so a caller that may not sleep is always found.
        might_sleep();
        if !self.listened_to(net, group, &rcu::read_lock()) {
            return;
        }
        let event = OwnedMessage::new();
        let guard = rcu::read_lock();
        if !self.listened_to(net, group, &guard) {
            return;
        }
        let family = self.inner.get();
        let fill = |mut event: OwnedMessage| {
            // SAFETY: `listened_to` says that it is registered during the section of `guard`.
            let mut message = unsafe { event.begin_event(family, command) }?;
            write(&mut message, &guard)?;
            message.finish();
            Ok::<_, Error>(event)
        };
        match event.and_then(fill) {
            // SAFETY: As above, and that there is such a group.
            Ok(event) => unsafe { event.send_to_group(family, net, group) },
            Err(_) => {
                let lost = enobufs().to_errno();
                // SAFETY: `listened_to` says that it is registered, and that there is such a group.
                unsafe { bindings::genl_set_err(family, net.as_ptr(), group, lost) };
            }
        }
    }
}

/// A family that user space can find. Dropping it ends that.
///
/// # Invariants
///
/// `family` is registered.
pub struct Registration {
    family: &'static GenlFamily,
}

impl Registration {
    /// Lets dumps begin, and announcements be made.
    ///
    /// To be called when the module is loaded and nothing can fail any more: nobody can wait for
    /// the end of a dump.
    pub fn open(&self) {
        // ORDERING: Release, paired with `GenlFamily::is_open`.
        self.family.open.store(true, Ordering::Release);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // ORDERING: Relaxed: the grace period comes between this and the end of the registration.
        self.family.open.store(false, Ordering::Relaxed);
        // After this, every section that saw the family open has sent its messages.
        rcu::synchronize();
        // SAFETY: `GenlFamily::register` has registered it, and nobody has taken it back, as that takes
        // this value. The family stays where it is until the last reader is gone.
        unsafe { bindings::genl_unregister_family(self.family.inner.get()) };
        // `registered` stays: a dump of the old registration may still use the family.
    }
}
