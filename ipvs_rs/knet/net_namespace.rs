// SPDX-License-Identifier: GPL-2.0

//! Network namespaces, and state that each of them has.
//!
//! # Life of the state of a namespace
//!
//! ```text
//!   PerNetRegistration::new, or a new namespace          PerNetRegistration dropped, or the
//!                       │                                 namespace's end
//!                       v                                             │
//!               PerNet::init ──> state(net) finds it ──> close ──> (grace period) ──> destroy
//! ```
//!
//! # Examples
//!
//! ```rust
//! # use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
//! # use kernel::prelude::*;
//! # use knet::{
//! #     net_namespace::{self, Net, PerNet, PerNetId, PerNetRegistration, WeakNet},
//! #     rcu::{self, Arc},
//! # };
//! struct Count(AtomicU64);
//!
//! static COUNT: PerNetId<Count> = PerNetId::new();
//!
//! impl PerNet for Count {
//!     fn id() -> &'static PerNetId<Self> {
//!         &COUNT
//!     }
//!
//!     fn init(_: &Net, _: WeakNet) -> Result<Arc<Self>> {
//!         Arc::new(Self(AtomicU64::new(0)), GFP_KERNEL)
//!     }
//!
//!     fn pre_exit(_: &Arc<Self>, _: &Net) {}
//!
//!     fn exit(_: Arc<Self>, _: &Net) {}
//! }
//!
//! let registration = PerNetRegistration::<Count>::new()?;
//! {
//!     let guard = rcu::read_lock();
//!     let count = net_namespace::state::<Count>(Net::init(), &guard).ok_or(ENOENT)?;
//!     count.0.fetch_add(1, Relaxed);
//! }
//! drop(registration);
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h)

mod identifications;
mod net_ref;
mod per_net;
mod registration;
mod weak_net;

pub use net_ref::NetRef;
pub use per_net::{state, PerNet, PerNetId};
pub use registration::PerNetRegistration;
pub use weak_net::WeakNet;

use ipvs_sys as bindings;
use kernel::types::Opaque;

/// A network namespace that is alive.
///
/// # Invariants
///
/// The memory of the namespace, and what C keeps for modules in it, is valid while a reference
/// exists.
#[repr(transparent)]
pub struct Net(Opaque<bindings::net>);

// SAFETY: A namespace belongs to no thread.
unsafe impl Send for Net {}
// SAFETY: What can be done with `&Net` C does on several CPUs at once, too.
unsafe impl Sync for Net {}

impl Net {
    /// Takes a namespace from C.
    ///
    /// # Safety
    ///
    /// `net` must be valid, and its pernet operations not be over, for the lifetime `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(net: *mut bindings::net) -> &'a Self {
        // SAFETY: `Net` is a transparent wrapper; the rest is the safety contract.
        unsafe { &*net.cast() }
    }

    /// The namespace, for calls into C.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut bindings::net {
        self.0.get()
    }

    /// The namespace that the machine booted with.
    pub fn init() -> &'static Self {
        let init = &raw mut bindings::init_net;
        // SAFETY: It is never freed, and no pernet operation ends for it while modules run.
        unsafe { Self::from_raw(init) }
    }

    /// Counts a packet of IPv4 that this host makes (`OutRequests` in `/proc/net/snmp`).
    #[inline]
    pub fn count_request_v4(&self) {
        // SAFETY: The namespace is alive.
        unsafe { bindings::count_request_v4(self.as_ptr()) };
    }

    /// The least port that a process without privileges may bind to; 65,536 is shown as 0.
    pub fn first_unprivileged_port(&self) -> u16 {
        // SAFETY: The namespace is alive.
        unsafe { bindings::first_unprivileged_port(self.as_ptr()) }
    }

    /// Whether the user namespace that the machine booted with owns this namespace.
    pub fn is_of_init_user_ns(&self) -> bool {
        // SAFETY: The namespace is valid, and holds a reference to its user namespace.
        let owner = unsafe { (*self.as_ptr()).user_ns };
        owner == &raw mut bindings::init_user_ns
    }

    /// Whether the current task has `CAP_NET_ADMIN` in the user namespace that owns this namespace.
    pub fn is_net_admin_capable(&self) -> bool {
        // SAFETY: The namespace is valid, and holds a reference to its user namespace.
        let owner = unsafe { (*self.as_ptr()).user_ns };
        // CAST: Capabilities are small numbers.
        // SAFETY: As above. There is a current task in process context, and in others the answer
        // means nothing.
        unsafe { bindings::ns_capable(owner, bindings::CAP_NET_ADMIN as i32) }
    }

    /// A number that no other namespace has or had since the machine booted.
    ///
    /// It tells namespaces apart where one of them may be gone: the address of its structure may
    /// be that of another one by then.
    #[inline]
    pub(crate) fn cookie(&self) -> u64 {
        // SAFETY: The namespace is valid while a reference exists. C writes the cookie before it
        // calls the first pernet operation, and never again.
        unsafe { (*self.as_ptr()).net_cookie }
    }

    /// Whether this is the namespace that the machine booted with.
    #[inline]
    pub fn is_init(&self) -> bool {
        core::ptr::eq(self.as_ptr(), &raw const bindings::init_net)
    }
}

impl PartialEq for Net {
    /// Whether both are the same namespace.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }
}

impl Eq for Net {}
