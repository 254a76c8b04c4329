// SPDX-License-Identifier: GPL-2.0

//! Sockets that take connections.

use core::{marker::PhantomData, net::SocketAddr, ptr::null_mut};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::{
    owner::{self, Kept},
    stream::Unowned,
    Owner,
};
use crate::{
    late::{sleeps, Late},
    net_namespace::Net,
    netfilter::Family,
    rcu,
    socket::{
        address::RawAddress,
        registry::{Open, Raw, Sockets},
    },
};

/// How a [`Listener`] listens.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// So many connections wait to be accepted; at most `net.core.somaxconn`.
    pub backlog: u16,
    /// For so many seconds a connection is not told of before the client has sent something (`TCP_DEFER_ACCEPT`); 0 if it is
    /// told of at once. Whoever waits for these bytes answers them: their ACK goes with the answer, or is sent 40 ms later
    /// (`TCP_QUICKACK`).
    pub defer_seconds: u8,
}

/// A socket that listens. Its owner is woken when there are connections to accept.
///
/// It does not keep its namespace: when that ends, it is closed, and each call fails with `ESHUTDOWN`. When this is dropped, it
/// takes no more connections, and resets those that were not accepted: at once, or soon if nothing may sleep there.
pub struct Listener<T: Owner> {
    listening: Late<Listening>,
    family: Family,
    _owner: PhantomData<rcu::Arc<T>>,
}

/// A socket that listens, or is to. Its drop sleeps.
///
/// # Invariants
///
/// The owner of `open` is `_owner`, as long as it is open.
struct Listening {
    open: Open,
    _owner: Kept,
}

sleeps!(Listening);

impl<T: Owner> Listener<T> {
    /// Listens on an address, which this host need not have yet, and a port; one of IPv6 takes no connections of IPv4. May sleep.
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`; `EACCES` for a port that the current process may not have; `EAFNOSUPPORT` without that version of IP; `ENODEV`
    /// if the namespace ends, or the caller's module is being removed; `ENOMEM`.
    pub fn new(net: &Net, at: SocketAddr, options: Options, owner: rcu::Arc<T>) -> Result<Self> {
        let kept = Kept::new(owner)?;
        let list = Sockets::of(net)?;
        let (family, domain) = match at {
            SocketAddr::V4(_) => (Family::V4, bindings::AF_INET),
            SocketAddr::V6(_) => (Family::V6, bindings::AF_INET6),
        };
        // CAST: Small numbers.
        let (domain, kind, protocol) = (
            domain as i32,
            bindings::sock_type_SOCK_STREAM as i32,
            bindings::IPPROTO_TCP as i32,
        );
        let mut raw = null_mut();
        // SAFETY: The namespace is alive, and C writes to `raw`.
        to_result(unsafe {
            bindings::sock_create_kern(net.as_ptr(), domain, kind, protocol, &raw mut raw)
        })?;
        let mut callbacks = bindings::tcp_callbacks {
            ready: Some(owner::ready::<T>),
            ..pin_init::zeroed()
        };
        // SAFETY: The socket was just made. The callback is for an owner of this type.
        let attached = unsafe { bindings::tcp_attach(raw, kept.as_ptr(), &raw mut callbacks) };
        let socket = match attached {
            // SAFETY: The socket was just made, and has an owner, which the result keeps until the socket was released. That is
            // done by whoever closes it: the result, or the namespace before it ends, as it is on its list.
            0 => unsafe { Raw::owned(raw, callbacks) },
            // SAFETY: The socket was just made, and is released here, while there is a `&Net`.
            _ => unsafe { Raw::new(raw) },
        };
        to_result(attached)?;
        // INVARIANT: It has this owner.
        let listening = Listening {
            open: Open::new(socket, list)?,
            _owner: kept,
        };
        let listener = Self {
            listening: Late::new(listening)?,
            family,
            _owner: PhantomData,
        };
        listener.listen(at, options)?;
        Ok(listener)
    }

    fn listen(&self, at: SocketAddr, options: Options) -> Result {
        let mut address = RawAddress::new(at, self.family)?;
        let is_v6 = self.family == Family::V6;
        self.listening.open.socket.with(|socket| {
            let defer = options.defer_seconds.into();
            // SAFETY: The socket is open, and of that family.
            to_result(unsafe { bindings::tcp_prepare_listener(socket, is_v6, defer) })?;
            // SAFETY: The socket is open, and the address of that length, which C copies.
            to_result(unsafe {
                bindings::kernel_bind(socket, address.as_mut_ptr().cast(), address.length())
            })?;
            // SAFETY: The socket is open.
            to_result(unsafe { bindings::tcp_listen(socket, options.backlog.into(), defer == 0) })
        })
    }

    /// Takes a connection, if there is one. May sleep, but does not wait for one.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if there is none; `ESHUTDOWN` if the listener is closed, or its namespace ends; `ECONNABORTED`, `ENOMEM`.
    pub fn accept(&self) -> Result<Unowned> {
        let mut accepted = null_mut();
        self.listening.open.socket.with_raw(|raw| {
            // SAFETY: The socket is open, and its namespace waits for this call before it ends. C writes to `accepted`.
            to_result(unsafe { bindings::tcp_accept(raw.as_ptr(), raw.ready(), &raw mut accepted) })
        })?;
        // SAFETY: It was just accepted, for us.
        unsafe { Unowned::new(accepted, self.family) }
    }
}
