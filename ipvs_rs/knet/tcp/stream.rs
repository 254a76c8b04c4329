// SPDX-License-Identifier: GPL-2.0

//! Connections.

use core::{
    net::SocketAddr,
    ptr::{null_mut, NonNull},
};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{owner, Owner};
use crate::{
    errno,
    module::ModuleRef,
    net_namespace::{Net, NetRef},
    netfilter::Family,
    rcu::Arc,
    socket::address::RawAddress,
};

/// A connection without an owner: nobody is told of what happens to it. It is released when this is dropped, which may sleep.
///
/// # Invariants
///
/// `socket` is an open socket of TCP, which is this one's and keeps its namespace; `sk` is its `sk`, which stays the same until
/// the release. It is prepared for bottom halves.
pub struct Unowned {
    socket: NonNull<bindings::socket>,
    sk: NonNull<bindings::sock>,
    family: Family,
}

// SAFETY: C locks a socket itself, and all that is done with it may be done by any thread.
unsafe impl Send for Unowned {}
// SAFETY: As above; C allows several threads at once.
unsafe impl Sync for Unowned {}

impl Unowned {
    /// # Safety
    ///
    /// `socket` must come from `tcp_accept` or `tcp_create`, and belong to the caller.
    pub(super) unsafe fn new(socket: *mut bindings::socket, family: Family) -> Result<Self> {
        let socket = NonNull::new(socket).ok_or_else(errno::enotconn)?;
        // SAFETY: By the contract the socket is there.
        let sk = unsafe { bindings::socket_sk(socket.as_ptr()) };
        // INVARIANT: By the contract; those functions prepare it.
        Ok(Self {
            socket,
            sk: NonNull::new(sk).ok_or_else(errno::enotconn)?,
            family,
        })
    }

    /// Tells `owner` from now on of what happens. What has happened before is not told. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the socket has an owner already: a socket map of BPF took it. `ENODEV` if the caller's module is being removed.
    pub fn own<T: Owner>(self, owner: Arc<T>) -> Result<Stream<T>> {
        let mut callbacks = bindings::tcp_callbacks {
            ready: Some(owner::ready::<T>),
            room: Some(owner::room::<T>),
            changed: Some(owner::changed::<T>),
            failed: Some(owner::changed::<T>),
        };
        let module = ModuleRef::own().ok_or(ENODEV)?;
        let raw = owner.as_ref().as_raw().cast_mut();
        // SAFETY: The socket is open. The callbacks are for an owner of this type, which the stream keeps until it has taken it
        // off the socket.
        to_result(unsafe { bindings::tcp_attach(self.socket.as_ptr(), raw, &raw mut callbacks) })?;
        // INVARIANT: It was just attached, and C has written the former callbacks.
        Ok(Stream {
            callbacks,
            socket: self,
            _owner: owner,
            _module: module,
        })
    }

    /// The namespace of the connection, which does not end before this is dropped.
    ///
    /// # Errors
    ///
    /// `ESHUTDOWN` does not happen, as the connection keeps it.
    pub fn namespace(&self) -> Result<NetRef> {
        // SAFETY: The socket is open.
        let net = unsafe { bindings::socket_net(self.socket.as_ptr()) };
        // SAFETY: By the type invariant the socket keeps its namespace.
        let net = unsafe { Net::from_raw(net) };
        net.keep().ok_or_else(errno::eshutdown)
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if there is no connection any more.
    pub fn peer(&self) -> Result<SocketAddr> {
        let mut raw = RawAddress::empty();
        // SAFETY: The socket is open, and there is room for an address of any family.
        let length =
            unsafe { bindings::kernel_getpeername(self.socket.as_ptr(), raw.as_mut_ptr().cast()) };
        match length < 0 {
            true => Err(Error::from_errno(length)),
            false => Ok(raw.read(self.family)),
        }
    }
}

impl Drop for Unowned {
    /// Closes the connection. May sleep.
    fn drop(&mut self) {
        // SAFETY: By the type invariant the socket is there, and is released once, as it is this value's.
        unsafe { bindings::sock_release(self.socket.as_ptr()) };
    }
}

/// A connection with an owner. It is closed when this is dropped, which may sleep.
///
/// The owner has its streams, and they have it, so it must give them up in time. A stream that is not dropped keeps the owner, its
/// module and the namespace for good.
///
/// No type keeps it yet from being dropped where nothing may sleep, as in the RCU callback that frees an `Arc`: take it out of such a value
/// in a thread before.
///
/// # Invariants
///
/// `_owner` is the owner of `socket`, which had `callbacks` before.
pub struct Stream<T: Owner> {
    callbacks: bindings::tcp_callbacks,
    socket: Unowned,
    _owner: Arc<T>,
    /// That of the callbacks, which so is there even if nobody ever drops this.
    _module: ModuleRef,
}

impl<T: Owner> Stream<T> {
    /// Begins to make a connection in `net`, of which `owner` is told the outcome. May sleep.
    ///
    /// # Errors
    ///
    /// Why it cannot be made: `ENETUNREACH`, `EADDRNOTAVAIL`, `ENOMEM` and so on; `ESHUTDOWN` if the namespace ends.
    pub fn connect(net: &Net, to: SocketAddr, owner: Arc<T>) -> Result<Self> {
        let (family, number) = match to {
            SocketAddr::V4(_) => (Family::V4, bindings::AF_INET),
            SocketAddr::V6(_) => (Family::V6, bindings::AF_INET6),
        };
        let mut raw = null_mut();
        // CAST: A small number.
        // SAFETY: The namespace is alive, and C writes to `raw`.
        to_result(unsafe { bindings::tcp_create(net.as_ptr(), number as i32, &raw mut raw) })?;
        // SAFETY: It was just made, for us.
        let stream = unsafe { Unowned::new(raw, family) }?.own(owner)?;
        let mut address = RawAddress::new(to, family)?;
        // SAFETY: The socket is open, and the address of that length, which C copies.
        to_result(unsafe {
            bindings::tcp_connect(
                stream.socket.socket.as_ptr(),
                address.as_mut_ptr().cast(),
                address.length(),
            )
        })?;
        Ok(stream)
    }

    /// What can be done without an owner, too.
    pub fn connection(&self) -> &Unowned {
        &self.socket
    }

    /// The socket, for calls into C.
    pub(super) fn sk(&self) -> *mut bindings::sock {
        self.socket.sk.as_ptr()
    }
}

impl<T: Owner> Drop for Stream<T> {
    /// Takes the owner off the socket. May sleep.
    fn drop(&mut self) {
        // SAFETY: By the type invariant the socket had these callbacks, and is open.
        unsafe { bindings::tcp_detach(self.socket.socket.as_ptr(), &raw mut self.callbacks) };
    }
}
