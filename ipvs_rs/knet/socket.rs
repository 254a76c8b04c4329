// SPDX-License-Identifier: GPL-2.0

//! UDP sockets of the kernel.
//!
//! A [`UdpSocket`] is in one network namespace. It does not keep that: a namespace ends while it has such
//! sockets, and closes those that are left. Whoever still has one gets `ESHUTDOWN` from then on. So nothing
//! that can be done with a socket reaches a namespace that is gone.
//!
//! ```text
//!   new ──> open ──> closed                        each call: ESHUTDOWN
//!             │        ^  ^── the namespace ends   (both wait until no call uses the socket)
//!             │        └───── drop
//!             └─ shut_down: the socket stays, but waits end at once, and nothing is received any more
//! ```
//!
//! Nothing here blocks but the functions that wait, which are for a [kernel thread](crate::kthread): they end
//! when there is something to receive, or room to send; when the time is up; and when the thread
//! is to stop. They sleep on the wait queue that C has in each socket, and wakes for all of these. So no code of ours
//! is called when a datagram comes, and nothing has to be taken back before the socket goes. A receive
//! with a timeout would sleep on the same queue, but not look whether the thread is to stop until the time is up.
//!
//! All functions may sleep, and are for process context; a socket may be dropped anywhere. Joining and leaving a group, and closing, take the
//! lock of rtnetlink.
//!
//! # Examples
//!
//! ```rust
//! # use core::net::{Ipv4Addr, SocketAddr};
//! # use kernel::prelude::*;
//! # use knet::{
//! #     kthread::{Thread, Woken},
//! #     net_namespace::Net,
//! #     netdevice,
//! #     netfilter::Family,
//! #     socket::UdpSocket,
//! #     time::HZ,
//! # };
//! let device = netdevice::by_name(Net::init(), b"eth0").ok_or(ENODEV)?;
//! let group = Ipv4Addr::new(224, 0, 0, 81);
//! let socket = UdpSocket::new(Net::init(), Family::V4)?;
//! socket.set_reuse_address(true)?;
//! socket.bind_to_device(device.index)?;
//! socket.bind(SocketAddr::new(group.into(), 8848))?;
//! socket.join(group.into(), device.index)?;
//! let listener = Thread::start(fmt!("listener"), move |thread| {
//!     let mut buffer = [0; 64];
//!     while let Ok(woken) = socket.wait_to_receive(thread, 10 * HZ) {
//!         match woken {
//!             Woken::Stopping => return,
//!             Woken::TimedOut => continue,
//!             Woken::Ready => {}
//!         }
//!         if let Ok(datagram) = socket.receive(&mut buffer) {
//!             pr_info!("{} bytes\n", datagram.length);
//!         }
//!     }
//! })?;
//! listener.stop();
//! # Ok::<(), Error>(())
//! ```
//!
//! C headers: [`include/linux/net.h`](srctree/include/linux/net.h),
//! [`include/net/sock.h`](srctree/include/net/sock.h)

pub(crate) mod address;
mod datagram;
mod options;
pub(crate) mod registry;

pub use datagram::Datagram;
pub use options::PathMtuDiscovery;
pub use registry::Namespaces;

use core::{net::SocketAddr, ptr::null_mut};
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use self::{
    address::RawAddress,
    registry::{Open, Raw, Sockets},
};
use crate::{late::Late, net_namespace::Net, netdevice::DeviceIndex, netfilter::Family};

/// A UDP socket. Several threads may use it at once. It is closed when this is dropped: at once, or soon if nothing may sleep
/// there.
pub struct UdpSocket {
    open: Late<Open>,
    family: Family,
}

impl UdpSocket {
    /// Opens a socket in `net`. One of IPv6 takes no datagrams of IPv4.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` without that version of IP, `ENODEV` if the namespace ends, `ENOMEM`.
    pub fn new(net: &Net, family: Family) -> Result<Self> {
        let list = Sockets::of(net)?;
        let domain = match family {
            Family::V4 => bindings::AF_INET,
            Family::V6 => bindings::AF_INET6,
        };
        // CAST: Small numbers.
        let (domain, kind, protocol) = (
            domain as i32,
            bindings::sock_type_SOCK_DGRAM as i32,
            bindings::IPPROTO_UDP as i32,
        );
        let mut raw = null_mut();
        // SAFETY: The namespace is alive, and C writes to `raw`.
        to_result(unsafe {
            bindings::sock_create_kern(net.as_ptr(), domain, kind, protocol, &mut raw)
        })?;
        // SAFETY: The socket was just made. It is dropped while there is a `&Net`, or by whoever closes it: the owner, or
        // the namespace before it ends, as it is on its list.
        let open = Open::new(unsafe { Raw::new(raw) }, list)?;
        let socket = Self {
            open: Late::new(open)?,
            family,
        };
        if family == Family::V6 {
            socket.set_v6_only()?;
        }
        Ok(socket)
    }

    /// The version of IP.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Binds the socket to an address of this host, or a group, and a port; a port of 0 is any free one
    /// (`kernel_bind`).
    ///
    /// # Errors
    ///
    /// `EADDRINUSE`, `EADDRNOTAVAIL` if this host has no such address, `EAFNOSUPPORT` for one of another version of IP,
    /// `EINVAL` if the socket is bound already, `EACCES` for a port that the current process may not have,
    /// `ESHUTDOWN` if it is closed.
    pub fn bind(&self, address: SocketAddr) -> Result {
        let mut raw = RawAddress::new(address, self.family)?;
        self.open.socket.with(|socket| {
            // SAFETY: The socket is open, and the address of that length, which C copies.
            to_result(unsafe {
                bindings::kernel_bind(socket, raw.as_mut_ptr().cast(), raw.length())
            })
        })
    }

    /// Sends to the device of this index, and receives from it, only.
    ///
    /// # Errors
    ///
    /// `EPERM` if the socket is bound to a device already, and the current process may not change that; `ESHUTDOWN` if it is
    /// closed.
    pub fn bind_to_device(&self, device: DeviceIndex) -> Result {
        self.open.socket.with(|socket| {
            // SAFETY: The socket is open.
            to_result(unsafe { bindings::socket_bind_to_device(socket, device.number()) })
        })
    }

    /// Chooses the peer, which [`UdpSocket::send`] sends to, and no other is received from. The route
    /// there, and with it the address of this host, is chosen now.
    ///
    /// # Errors
    ///
    /// `ENETUNREACH` or `EADDRNOTAVAIL` without a route, `EAFNOSUPPORT` for an address of another version of IP, `ESHUTDOWN` if the
    /// socket is closed.
    pub fn connect(&self, peer: SocketAddr) -> Result {
        let mut raw = RawAddress::new(peer, self.family)?;
        self.open.socket.with(|socket| {
            // SAFETY: The socket is open, and the address of that length, which C copies.
            to_result(unsafe {
                bindings::kernel_connect(socket, raw.as_mut_ptr().cast(), raw.length(), 0)
            })
        })
    }

    /// The address and the port that the socket is bound to; zeroes for what it is not bound to.
    ///
    /// # Errors
    ///
    /// `ESHUTDOWN` if it is closed.
    pub fn local_address(&self) -> Result<SocketAddr> {
        let mut raw = RawAddress::empty();
        self.open.socket.with(|socket| {
            // SAFETY: The socket is open, and there is room for an address of any family.
            let length = unsafe { bindings::kernel_getsockname(socket, raw.as_mut_ptr().cast()) };
            match length < 0 {
                true => Err(Error::from_errno(length)),
                false => Ok(()),
            }
        })?;
        Ok(raw.read(self.family))
    }

    /// Ends all waits for this socket, now and from now on: they fail with `ESHUTDOWN`. Nothing is
    /// received any more.
    pub fn shut_down(&self) {
        self.open.socket.shut_down();
    }
}
