// SPDX-License-Identifier: GPL-2.0

//! Who is told of what happens to a socket.

use ipvs_sys as bindings;
use kernel::ffi::c_void;

use crate::rcu::{self, Ref};

/// The owner of a [`Stream`](super::Stream) or a [`Listener`](super::Listener).
pub trait Owner: Sized + Send + Sync + 'static {
    /// Something has happened to a socket: there are bytes or connections, the peer has said FIN, there is room that was
    /// [asked for](super::Locked::want_room), the connection was made or is broken. Or nothing has.
    ///
    /// Called in any context, perhaps with the lock of the socket held. So it must neither sleep nor lock a stream: it
    /// queues work.
    fn wake(owner: Ref<'_, Self>);
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
