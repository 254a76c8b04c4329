// SPDX-License-Identifier: GPL-2.0

//! Who is told of what happens to a socket.

use ipvs_sys as bindings;
use kernel::prelude::*;

use crate::{
    module::ModuleRef,
    rcu::{self, Arc, Ref},
};

/// The owner of a [`Stream`](super::Stream) or a [`Listener`](super::Listener).
pub trait Owner: Sized + Send + Sync + 'static {
    /// Something has happened to a socket: there are bytes or connections, the peer has said FIN, there is room that was
    /// [asked for](super::Locked::want_room), the connection was made or is broken. Or nothing has.
    ///
    /// Called in any context, perhaps with the lock of the socket held. So it must neither sleep nor lock a stream: it
    /// queues work.
    fn wake(owner: Ref<'_, Self>);
}

/// A reference to the owner of a socket, whatever its type. It is given up after the socket has lost the owner.
///
/// # Invariants
///
/// `owner` comes from [`Arc::into_raw`], and is this value's. `release` fits its type, and is code of `_module`.
pub(super) struct Kept {
    owner: *const c_void,
    release: unsafe fn(*const c_void),
    /// That of the callbacks, too, which so is there even if nobody ever drops this.
    _module: ModuleRef,
}

// SAFETY: An `Owner` is `Send` and `Sync`, so its references may go to any thread.
unsafe impl Send for Kept {}
// SAFETY: With a `&Kept` its address is read.
unsafe impl Sync for Kept {}

impl Kept {
    /// # Errors
    ///
    /// `ENODEV` if the caller's module is being removed.
    pub(super) fn new<T: Owner>(owner: Arc<T>) -> Result<Self> {
        let _module = ModuleRef::own().ok_or(ENODEV)?;
        // INVARIANT: It was just made. This function and `release` are generic, so they are compiled into the module of the caller,
        // which is the one that `own` names.
        Ok(Self {
            owner: owner.into_raw(),
            release: release::<T>,
            _module,
        })
    }

    /// The owner, for a socket.
    pub(super) fn as_ptr(&self) -> *mut c_void {
        self.owner.cast_mut()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: By the type invariant the function fits, and is there; this happens once.
        unsafe { (self.release)(self.owner) };
    }
}

/// Gives a reference up.
///
/// # Safety
///
/// As for [`Arc::from_raw`].
unsafe fn release<T: Owner>(owner: *const c_void) {
    // SAFETY: By the contract.
    drop(unsafe { Arc::<T>::from_raw(owner) });
}

/// Finds the owner of a socket by one of the helpers for this, and wakes it.
///
/// # Safety
///
/// `sk` must be a socket that is there, and the owner that `find` returns for it a `T`, if it returns any.
unsafe fn wake<T: Owner>(
    sk: *mut bindings::sock,
    find: unsafe extern "C" fn(*mut bindings::sock) -> *mut c_void,
) {
    let guard = rcu::read_lock();
    // SAFETY: By the contract the socket is there.
    let owner = unsafe { find(sk) };
    if !owner.is_null() {
        // SAFETY: It is the owner of a `T` that was attached, and the socket had it in this section. Whoever attached it gives up its
        // reference after the socket has lost it.
        T::wake(unsafe { Ref::from_raw(owner, &guard) });
    }
}

/// # Safety
///
/// To be called by the C core, as the `sk_data_ready` of a socket whose owner is a `T`, or that has none.
pub(super) unsafe extern "C" fn ready<T: Owner>(sk: *mut bindings::sock) {
    // SAFETY: C calls this for such a socket.
    unsafe { wake::<T>(sk, bindings::tcp_owner) };
}

/// # Safety
///
/// As for [`ready`], as the `sk_write_space`.
pub(super) unsafe extern "C" fn room<T: Owner>(sk: *mut bindings::sock) {
    // SAFETY: C calls this for such a socket.
    unsafe { wake::<T>(sk, bindings::tcp_owner_of_room) };
}

/// # Safety
///
/// As for [`ready`], as the `sk_state_change` or `sk_error_report`.
pub(super) unsafe extern "C" fn changed<T: Owner>(sk: *mut bindings::sock) {
    // SAFETY: C calls this for such a socket.
    unsafe { wake::<T>(sk, bindings::tcp_owner_of_change) };
}
