// SPDX-License-Identifier: GPL-2.0

//! Options of a socket.

use core::net::IpAddr;
use ipvs_sys as bindings;
use kernel::{error::to_result, prelude::*};

use super::UdpSocket;
use crate::{errno, netdevice::DeviceIndex, netfilter::Family};

/// What a socket does about datagrams that are too long for the path (`IP_MTU_DISCOVER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PathMtuDiscovery {
    /// Cuts them into fragments, and lets routers do so.
    Never = bindings::IP_PMTUDISC_DONT as u8,
    /// Finds out what the path takes, and cuts them to that.
    Wanted = bindings::IP_PMTUDISC_WANT as u8,
    /// Never cuts them: to send one that is known to be too long fails with `EMSGSIZE`.
    Always = bindings::IP_PMTUDISC_DO as u8,
    /// As [`Always`](Self::Always), but looks at the device only.
    Probe = bindings::IP_PMTUDISC_PROBE as u8,
}

/// An option: where it belongs, and its number.
type Name = (u32, u32);

/// What all functions here fail with is `ESHUTDOWN` if the socket is closed, and what they say beyond that.
impl UdpSocket {
    /// Sets an option that is an integer.
    fn set(&self, (level, name): Name, value: c_int) -> Result {
        self.open.socket.with(|socket| {
            // CAST: Small numbers.
            let (level, name, length) = (level as i32, name as i32, size_of::<c_int>() as u32);
            // SAFETY: The socket is open, and C reads the value, which is of that length, during the call.
            to_result(unsafe {
                bindings::socket_set(
                    socket,
                    level,
                    name,
                    core::ptr::from_ref(&value).cast(),
                    length,
                )
            })
        })
    }

    /// Sets an option that is an integer, and has a number for each version of IP.
    fn set_ip(&self, v4: u32, v6: u32, value: c_int) -> Result {
        let name = match self.family {
            Family::V4 => (bindings::SOL_IP, v4),
            Family::V6 => (bindings::SOL_IPV6, v6),
        };
        self.set(name, value)
    }

    /// Takes no datagrams of IPv4.
    pub(super) fn set_v6_only(&self) -> Result {
        self.set((bindings::SOL_IPV6, bindings::IPV6_V6ONLY), 1)
    }

    /// Whether other sockets that have this set may be bound to the same address and port. Each of them gets what is sent
    /// to a group (`SO_REUSEADDR`).
    pub fn set_reuse_address(&self, reuse: bool) -> Result {
        self.set((bindings::SOL_SOCKET, bindings::SO_REUSEADDR), reuse.into())
    }

    /// How many bytes the socket may have under way, as `SO_SNDBUF` has it: at most `net.core.wmem_max`; the
    /// kernel doubles it, as it counts its own overhead, and has a least value.
    pub fn set_send_buffer(&self, bytes: u32) -> Result {
        self.set((bindings::SOL_SOCKET, bindings::SO_SNDBUF), number(bytes))
    }

    /// How many bytes wait to be received, as `SO_RCVBUF` has it: at most `net.core.rmem_max`; the kernel
    /// doubles it, as it counts its own overhead, and has a least value.
    pub fn set_receive_buffer(&self, bytes: u32) -> Result {
        self.set((bindings::SOL_SOCKET, bindings::SO_RCVBUF), number(bytes))
    }

    /// How many bytes the socket may have under way, as the kernel counts them.
    pub fn send_buffer(&self) -> Result<u32> {
        self.buffer(true)
    }

    /// How many bytes wait to be received at most, as the kernel counts them.
    pub fn receive_buffer(&self) -> Result<u32> {
        self.buffer(false)
    }

    fn buffer(&self, output: bool) -> Result<u32> {
        self.open.socket.with(|socket| {
            // SAFETY: The socket is open.
            let bytes = unsafe { bindings::socket_buffer_size(socket, output) };
            // CAST: It is never negative.
            Ok(bytes as u32)
        })
    }

    /// What the socket does about datagrams that are too long.
    pub fn set_path_mtu_discovery(&self, mode: PathMtuDiscovery) -> Result {
        // The numbers are the same in both versions.
        let value = c_int::from(mode as u8);
        self.set_ip(
            bindings::IP_MTU_DISCOVER,
            bindings::IPV6_MTU_DISCOVER,
            value,
        )
    }

    /// The time to live, or hop limit, of what is sent to a group.
    pub fn set_multicast_hops(&self, hops: u8) -> Result {
        self.set_ip(
            bindings::IP_MULTICAST_TTL,
            bindings::IPV6_MULTICAST_HOPS,
            hops.into(),
        )
    }

    /// Whether members on this host get what is sent to a group. They do unless this is called.
    pub fn set_multicast_loop(&self, on: bool) -> Result {
        self.set_ip(
            bindings::IP_MULTICAST_LOOP,
            bindings::IPV6_MULTICAST_LOOP,
            on.into(),
        )
    }

    /// The device that leads to groups.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL` (IPv4) or `ENODEV` (IPv6) if there is no such device any more, `EINVAL` if the socket is bound to
    /// another one.
    pub fn set_multicast_device(&self, device: DeviceIndex) -> Result {
        self.open.socket.with(|socket| {
            let is_v6 = self.family == Family::V6;
            // SAFETY: The socket is open, and of that family.
            to_result(unsafe { bindings::socket_multicast_device(socket, is_v6, device.number()) })
        })
    }

    /// Joins a group on a device. It is left when the socket is closed.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` for a group of another version of IP, `EINVAL` for what is no group, `ENODEV` if there is no such
    /// device any more, `EADDRINUSE` if the socket is in the group already, `ENOBUFS` if it is in too many, `ENOMEM`.
    pub fn join(&self, group: IpAddr, device: DeviceIndex) -> Result {
        self.set_membership(group, device, true)
    }

    /// Leaves a group on a device.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` as above, `EADDRNOTAVAIL` if the socket is not in the group.
    pub fn leave(&self, group: IpAddr, device: DeviceIndex) -> Result {
        self.set_membership(group, device, false)
    }

    fn set_membership(&self, group: IpAddr, device: DeviceIndex, joins: bool) -> Result {
        let mut octets = [0; 16];
        match (group, self.family) {
            (IpAddr::V4(group), Family::V4) => {
                let [a, b, c, d, ..] = &mut octets;
                [*a, *b, *c, *d] = group.octets();
            }
            (IpAddr::V6(group), Family::V6) => octets = group.octets(),
            _ => return Err(errno::eafnosupport()),
        }
        let is_v6 = self.family == Family::V6;
        self.open.socket.with(|socket| {
            // SAFETY: The socket is open, and of that family; C reads as many bytes as an address of it has.
            to_result(unsafe {
                bindings::socket_membership(
                    socket,
                    is_v6,
                    joins,
                    octets.as_ptr().cast(),
                    device.number(),
                )
            })
        })
    }
}

/// A number of bytes as an option has it.
fn number(bytes: u32) -> c_int {
    c_int::try_from(bytes).unwrap_or(c_int::MAX)
}
