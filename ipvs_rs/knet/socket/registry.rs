// SPDX-License-Identifier: GPL-2.0

//! The sockets of each namespace, which end with it.
//!
//! A socket of the kernel does not keep its namespace, and must be released before that ends. Its owner may
//! forget that. So each namespace has a list of its sockets, and releases those that are left when it ends. A listener of TCP
//! has an owner besides, which is taken off it before it is released, whoever does that.

use ipvs_sys as bindings;
use kernel::{
    new_mutex,
    prelude::*,
    static_lock_class,
    sync::{Arc, Mutex},
};

use crate::{
    errno,
    late::sleeps,
    net_namespace::{self, Net, PerNet, PerNetId, PerNetRegistration, WeakNet},
    rcu,
    rwsem::RwSemaphore,
    vec::VecExt,
};

/// A socket of C that is open.
///
/// # Invariants
///
/// `socket` comes from `sock_create_kern`. It was not released, and its namespace is there. If there are `callbacks`, then
/// they are those that the socket had before it was given an owner.
pub(crate) struct Raw {
    socket: *mut bindings::socket,
    callbacks: Option<bindings::tcp_callbacks>,
}

// SAFETY: C locks a socket itself, and all that is done with it may be done by any thread.
unsafe impl Send for Raw {}
// SAFETY: As above; C allows several threads at once.
unsafe impl Sync for Raw {}

impl Raw {
    /// # Safety
    ///
    /// `socket` must come from `sock_create_kern`, and belong to the caller. The value must be dropped before the
    /// namespace ends.
    pub(crate) unsafe fn new(socket: *mut bindings::socket) -> Self {
        // INVARIANT: By the contract.
        Self {
            socket,
            callbacks: None,
        }
    }

    /// A socket that was given an owner in exchange for these callbacks, which it gets back before it is released.
    ///
    /// # Safety
    ///
    /// As for [`Raw::new`], and the socket must have an owner, which stays for a grace period after the release.
    pub(crate) unsafe fn owned(
        socket: *mut bindings::socket,
        callbacks: bindings::tcp_callbacks,
    ) -> Self {
        // INVARIANT: By the contract.
        Self {
            socket,
            callbacks: Some(callbacks),
        }
    }

    /// The socket, for calls into C.
    pub(crate) fn as_ptr(&self) -> *mut bindings::socket {
        self.socket
    }

    /// What the socket has done with data before it had an owner.
    pub(crate) fn ready(&self) -> Option<unsafe extern "C" fn(*mut bindings::sock)> {
        self.callbacks.and_then(|callbacks| callbacks.ready)
    }
}

impl Drop for Raw {
    /// May sleep.
    fn drop(&mut self) {
        if let Some(callbacks) = &mut self.callbacks {
            // SAFETY: By the type invariant the socket is there, and had these callbacks.
            unsafe { bindings::tcp_detach(self.socket, callbacks) };
        }
        // SAFETY: By the type invariant the socket is there, and is released once, as it is this value's.
        unsafe { bindings::sock_release(self.socket) };
    }
}

/// A socket that is open, or was. Who uses it holds the lock for reading, and who releases it for writing.
#[pin_data]
pub(crate) struct Shared {
    #[pin]
    socket: RwSemaphore<Option<Raw>>,
}

impl Shared {
    /// A socket that is open.
    fn new(raw: Raw) -> Result<Arc<Self>> {
        let init = pin_init!(Self {
            socket <- RwSemaphore::new(Some(raw), c"knet_socket", static_lock_class!()),
        });
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// Calls C with the socket, which stays open meanwhile. May sleep, if that does.
    ///
    /// # Errors
    ///
    /// `ESHUTDOWN` if the socket was closed; or whatever `call` fails with.
    pub(crate) fn with<R>(
        &self,
        call: impl FnOnce(*mut bindings::socket) -> Result<R>,
    ) -> Result<R> {
        self.with_raw(|raw| call(raw.as_ptr()))
    }

    /// The same, with all that is known of the socket.
    ///
    /// # Errors
    ///
    /// As [`with`](Self::with).
    pub(crate) fn with_raw<R>(&self, call: impl FnOnce(&Raw) -> Result<R>) -> Result<R> {
        self.socket
            .read()
            .as_ref()
            .map_or_else(|| Err(errno::eshutdown()), call)
    }

    /// Ends the waits for the socket, now and from now on; nothing is received or sent any more. May sleep.
    pub(crate) fn shut_down(&self) {
        let _ = self.with(|socket| {
            let both = bindings::sock_shutdown_cmd_SHUT_RDWR;
            // SAFETY: The socket is open. C returns an error if it has no peer, but does the same then.
            unsafe { bindings::kernel_sock_shutdown(socket, both) };
            Ok(())
        });
    }

    /// Closes the socket, if it is open, when nobody uses it any more. It is closed when this returns, whoever has done it. May
    /// sleep.
    fn close(&self) {
        // Those who wait for something hold the lock, and give it back now.
        self.shut_down();
        // Dropped under the lock, so that nobody takes a socket for closed that is not yet.
        *self.socket.write() = None;
    }
}

/// A socket of somebody, which is closed when this is dropped. That may sleep.
///
/// # Invariants
///
/// `socket` is on `list`, that of its namespace, until it is closed.
pub(crate) struct Open {
    pub(crate) socket: Arc<Shared>,
    list: rcu::Arc<Sockets>,
}

impl Open {
    /// Puts an open socket on the list of its namespace.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `ENODEV` if the namespace ends. The socket is closed then.
    pub(crate) fn new(raw: Raw, list: rcu::Arc<Sockets>) -> Result<Self> {
        let socket = Shared::new(raw)?;
        list.add(socket.clone())?;
        // INVARIANT: It was just added.
        Ok(Self { socket, list })
    }
}

sleeps!(Open);

impl Drop for Open {
    fn drop(&mut self) {
        self.socket.close();
        self.list.remove(&self.socket);
    }
}

/// The sockets of a namespace.
#[pin_data]
pub(crate) struct Sockets {
    /// [`None`] once the namespace has begun to lose its sockets.
    #[pin]
    list: Mutex<Option<KVec<Arc<Shared>>>>,
}

/// Where the namespaces keep their list.
static SOCKETS: PerNetId<Sockets> = PerNetId::new();

impl PerNet for Sockets {
    fn id() -> &'static PerNetId<Self> {
        &SOCKETS
    }

    fn init(_: &Net, _: WeakNet) -> Result<rcu::Arc<Self>> {
        rcu::Arc::pin_init(
            pin_init!(Self {
                list <- new_mutex!(Some(KVec::new()), "knet_sockets"),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    fn pre_exit(_: &rcu::Arc<Self>, _: &Net) {}

    /// Closes what is left. Of what stands on this module each kind of state was registered later than this one, so
    /// it has ended by now.
    fn exit(sockets: rcu::Arc<Self>, _: &Net) {
        let left = sockets.list.lock().take();
        for socket in left.into_iter().flatten() {
            socket.close();
        }
    }
}

impl Sockets {
    /// The list of `net`.
    ///
    /// # Errors
    ///
    /// `ENODEV` if the namespace has none any more.
    pub(crate) fn of(net: &Net) -> Result<rcu::Arc<Self>> {
        let guard = rcu::read_lock();
        net_namespace::state::<Self>(net, &guard)
            .and_then(|sockets| sockets.try_clone())
            .ok_or(ENODEV)
    }

    /// Adds an open socket to the list.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `ENODEV` if the namespace ends.
    fn add(&self, socket: Arc<Shared>) -> Result {
        match &mut *self.list.lock() {
            Some(list) => list.append(socket),
            None => Err(ENODEV),
        }
    }

    /// Takes a closed socket off the list, if it is there.
    fn remove(&self, socket: &Arc<Shared>) {
        if let Some(list) = &mut *self.list.lock() {
            list.keep_only(|other| !Arc::ptr_eq(other, socket));
        }
    }
}

/// What closes the sockets of namespaces that end. The module that this crate is linked into has one, for as long as it is
/// loaded.
pub struct Namespaces {
    _lists: PerNetRegistration<Sockets>,
}

impl Namespaces {
    /// Gives each namespace its list. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or `EBUSY` if there is one already.
    pub fn new() -> Result<Self> {
        Ok(Self {
            _lists: PerNetRegistration::new()?,
        })
    }
}
