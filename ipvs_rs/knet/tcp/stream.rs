// SPDX-License-Identifier: GPL-2.0

//! Connections.

use core::{
    marker::PhantomData,
    net::SocketAddr,
    ptr::{null_mut, NonNull},
};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{
    owner::{self, Kept},
    Owner,
};
use crate::{
    errno,
    late::{sleeps, Late},
    net_namespace::{Net, NetRef},
    netfilter::Family,
    rcu::Arc,
    socket::address::RawAddress,
};

/// A socket of TCP that is open, and perhaps has an owner. Its drop sleeps.
///
/// # Invariants
///
/// `socket` is an open socket of TCP, which is this one's and keeps its namespace. If it is `owned`, then it has that owner, and
/// had those callbacks before.
struct Connection {
    socket: NonNull<bindings::socket>,
    owned: Option<(bindings::tcp_callbacks, Kept)>,
}

// SAFETY: C locks a socket itself, and all that is done with it may be done by any thread.
unsafe impl Send for Connection {}
// SAFETY: As above; C allows several threads at once.
unsafe impl Sync for Connection {}

sleeps!(Connection);

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some((callbacks, _)) = &mut self.owned {
            // SAFETY: By the type invariant the socket had these callbacks, and is open.
            unsafe { bindings::tcp_detach(self.socket.as_ptr(), callbacks) };
        }
        // SAFETY: By the type invariant the socket is there, and is released once, as it is this value's.
        unsafe { bindings::sock_release(self.socket.as_ptr()) };
    }
}

/// A connection without an owner: nobody is told of what happens to it. It is closed when this is dropped: at once, or soon if
/// nothing may sleep there.
///
/// # Invariants
///
/// `sk` is the `sk` of the socket, which stays the same until the release. It is prepared for bottom halves.
pub struct Unowned {
    connection: Late<Connection>,
    sk: NonNull<bindings::sock>,
    family: Family,
}

// SAFETY: A `Connection` may go to any thread, and `sk` is a part of it.
unsafe impl Send for Unowned {}
// SAFETY: Several threads may use a `Connection` at once, and `sk` is a part of it.
unsafe impl Sync for Unowned {}

impl Unowned {
    /// # Safety
    ///
    /// `socket` must come from `tcp_accept` or `tcp_create`, and belong to the caller.
    pub(super) unsafe fn new(socket: *mut bindings::socket, family: Family) -> Result<Self> {
        let socket = NonNull::new(socket).ok_or_else(errno::enotconn)?;
        // SAFETY: By the contract the socket is there.
        let sk = unsafe { bindings::socket_sk(socket.as_ptr()) };
        // INVARIANT: By the contract.
        let connection = Connection {
            socket,
            owned: None,
        };
        // INVARIANT: By the contract; those functions prepare it.
        Ok(Self {
            connection: Late::new(connection)?,
            sk: NonNull::new(sk).ok_or_else(errno::enotconn)?,
            family,
        })
    }

    /// The socket, for calls into C.
    fn socket(&self) -> *mut bindings::socket {
        self.connection.socket.as_ptr()
    }

    /// Tells `owner` from now on of what happens. What has happened before is not told. May sleep.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the socket has an owner already: a socket map of BPF took it. `ENODEV` if the caller's module is being removed.
    pub fn own<T: Owner>(mut self, owner: Arc<T>) -> Result<Stream<T>> {
        let mut callbacks = bindings::tcp_callbacks {
            ready: Some(owner::ready::<T>),
            room: Some(owner::room::<T>),
            changed: Some(owner::changed::<T>),
            failed: Some(owner::changed::<T>),
        };
        let kept = Kept::new(owner)?;
        // SAFETY: The socket is open. The callbacks are for an owner of this type, which is kept until it was taken off the
        // socket.
        to_result(unsafe {
            bindings::tcp_attach(self.socket(), kept.as_ptr(), &raw mut callbacks)
        })?;
        // INVARIANT: It was just attached, and C has written the former callbacks.
        self.connection.owned = Some((callbacks, kept));
        // INVARIANT: Its owner is a `T`.
        Ok(Stream {
            unowned: self,
            _owner: PhantomData,
        })
    }

    /// The namespace of the connection, which does not end before this is dropped.
    ///
    /// # Errors
    ///
    /// `ESHUTDOWN` does not happen, as the connection keeps it.
    pub fn namespace(&self) -> Result<NetRef> {
        // SAFETY: The socket is open.
        let net = unsafe { bindings::socket_net(self.socket()) };
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
            unsafe { bindings::kernel_getpeername(self.socket(), raw.as_mut_ptr().cast()) };
        match length < 0 {
            true => Err(Error::from_errno(length)),
            false => Ok(raw.read(self.family)),
        }
    }
}

/// A connection with an owner. It is closed when this is dropped: at once, or soon if nothing may sleep there. Its owner may be
/// woken until then.
///
/// The owner has its streams, and they have it, so it must give them up in time. A stream that is not dropped keeps the owner, its
/// module and the namespace for good.
///
/// # Invariants
///
/// `unowned` has an owner, a `T`.
pub struct Stream<T: Owner> {
    unowned: Unowned,
    _owner: PhantomData<Arc<T>>,
}

impl<T: Owner> Stream<T> {
    /// Begins to make a connection in `net`, of which `owner` is told the outcome. ACKs wait for bytes to go
    /// with, as that which ends the handshake, until [`Locked::hurry`](super::Locked::hurry). May sleep.
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
                stream.unowned.socket(),
                address.as_mut_ptr().cast(),
                address.length(),
            )
        })?;
        Ok(stream)
    }

    /// What can be done without an owner, too.
    pub fn connection(&self) -> &Unowned {
        &self.unowned
    }

    /// The socket, for calls into C.
    pub(super) fn sk(&self) -> *mut bindings::sock {
        self.unowned.sk.as_ptr()
    }
}
