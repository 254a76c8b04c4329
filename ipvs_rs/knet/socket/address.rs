// SPDX-License-Identifier: GPL-2.0

//! Addresses of sockets, as C has them.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use ipvs_sys as bindings;
use kernel::prelude::*;

use crate::{errno, netfilter::Family, route::in6_addr};

/// An address and a port in a form that C reads and writes, with room for those of all families.
///
/// # Invariants
///
/// The first `length` bytes are a `sockaddr_in` or a `sockaddr_in6`; all others are initialised, too.
pub(crate) struct RawAddress {
    storage: bindings::__kernel_sockaddr_storage,
    length: usize,
}

impl RawAddress {
    /// Room for C to write to.
    pub(crate) fn empty() -> Self {
        // INVARIANT: There are no first bytes, and zeroes are initialised.
        Self {
            storage: pin_init::zeroed(),
            length: 0,
        }
    }

    /// `address`, for a socket of `family`.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` for an address of the other family.
    pub(crate) fn new(address: SocketAddr, family: Family) -> Result<Self> {
        let mut raw = Self::empty();
        let storage = raw.as_mut_ptr();
        match (address, family) {
            (SocketAddr::V4(address), Family::V4) => {
                let value = bindings::sockaddr_in {
                    // CAST: A small number.
                    sin_family: bindings::AF_INET as u16,
                    sin_port: address.port().to_be(),
                    sin_addr: bindings::in_addr {
                        s_addr: u32::from_ne_bytes(address.ip().octets()),
                    },
                    ..pin_init::zeroed()
                };
                // SAFETY: The storage is aligned as an address of any family, and large enough.
                unsafe { storage.cast::<bindings::sockaddr_in>().write(value) };
                raw.length = size_of::<bindings::sockaddr_in>();
            }
            (SocketAddr::V6(address), Family::V6) => {
                let value = bindings::sockaddr_in6 {
                    // CAST: A small number.
                    sin6_family: bindings::AF_INET6 as u16,
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: address.flowinfo().to_be(),
                    sin6_addr: in6_addr(address.ip().octets()),
                    sin6_scope_id: address.scope_id(),
                };
                // SAFETY: The storage has the alignment and the size that this family wants, too.
                unsafe { storage.cast::<bindings::sockaddr_in6>().write(value) };
                raw.length = size_of::<bindings::sockaddr_in6>();
            }
            _ => return Err(errno::eafnosupport()),
        }
        Ok(raw)
    }

    /// The address, for C to read or write.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut bindings::__kernel_sockaddr_storage {
        &raw mut self.storage
    }

    /// The length of the address in bytes, for C.
    pub(crate) fn length(&self) -> c_int {
        // CAST: 16 or 28.
        self.length as c_int
    }

    /// What C has written for a socket of `family`.
    pub(crate) fn read(&self, family: Family) -> SocketAddr {
        let storage = &raw const self.storage;
        match family {
            Family::V4 => {
                // SAFETY: The storage is aligned as an address of any family, and its bytes are initialised.
                let address = unsafe { storage.cast::<bindings::sockaddr_in>().read() };
                let ip = Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes());
                SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(address.sin_port)))
            }
            Family::V6 => {
                // SAFETY: The same holds for this family.
                let address = unsafe { storage.cast::<bindings::sockaddr_in6>().read() };
                // SAFETY: All members of the union are the same bytes.
                let octets = unsafe { address.sin6_addr.in6_u.u6_addr8 };
                SocketAddr::V6(SocketAddrV6::new(
                    Ipv6Addr::from(octets),
                    u16::from_be(address.sin6_port),
                    u32::from_be(address.sin6_flowinfo),
                    address.sin6_scope_id,
                ))
            }
        }
    }
}
