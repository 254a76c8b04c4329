// SPDX-License-Identifier: GPL-2.0

//! The scheduling algorithms, which choose the real server of a new connection: one file each.
//!
//! An algorithm sees the servers of one service as a slice, the newest first. Users see them in the
//! same order, and the C module goes through them in this order. There are three kinds:
//!
//! | | chooses by | remembers |
//! |---|---|---|
//! | [`rr`], [`wrr`] | turns | whose turn it is |
//! | [`lc`], [`wlc`], [`sed`], [`nq`], [`fo`], [`ovf`], [`twos`] | load, weight | nothing |
//! | [`sh`], [`dh`], [`mh`], [`lblc`], [`lblcr`] | addresses | a table |

pub mod dh;
pub mod fo;
pub mod hashing;
pub mod lblc;
pub mod lblcr;
pub mod lc;
mod least;
pub mod locality;
pub mod mh;
pub mod nq;
pub mod ovf;
pub mod rr;
pub mod sed;
pub mod sh;
pub mod twos;
pub mod wlc;
pub mod wrr;

use crate::{
    addr::{Addr, Family},
    flow::Flow,
    uapi::service_flags,
};

/// What an algorithm may know about a real server.
///
/// The numbers may change at any time. An algorithm must stay correct if it reads a number twice and
/// gets two values.
pub trait Server {
    /// The weight, at most `i32::MAX`. A server of weight 0 gets no new connections.
    fn weight(&self) -> u32;
    /// Whether the server has too many connections to get new ones.
    fn is_overloaded(&self) -> bool;
    /// The number of active connections.
    fn active(&self) -> u32;
    /// The number of all connections, active and inactive.
    fn total(&self) -> u32;
    /// The last weight that was not 0; 0 if the weight has always been 0.
    fn last_weight(&self) -> u32;
    /// The family of the address.
    fn family(&self) -> Family;
    /// The address, in network order.
    fn addr(&self) -> Addr;
    /// The port in host order; 0 for the port that the packet was sent to.
    fn port(&self) -> u16;

    /// The weight, or 0 if the server is overloaded.
    #[inline]
    fn effective_weight(&self) -> u32 {
        match self.is_overloaded() {
            false => self.weight(),
            true => 0,
        }
    }

    /// Whether the server may get new connections.
    #[inline]
    fn is_eligible(&self) -> bool {
        self.effective_weight() > 0
    }

    /// The load of the server. An active connection counts as much as 257 inactive ones.
    ///
    /// The C module computes this in 32 bits, which overflow at eight million active connections.
    #[inline]
    fn overhead(&self) -> u64 {
        u64::from(self.active())
            .wrapping_shl(8)
            .wrapping_add(self.total().into())
    }
}

/// The packet that begins a connection, and how its service wants it to be scheduled.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The two ends of the packet.
    pub flow: &'a Flow,
    /// Whether the packet is quoted in an ICMP error, so that it travelled from the service to the
    /// client.
    pub is_inverse: bool,
    /// The flags of the service; see [`service_flags`].
    pub flags: u32,
}

impl Arrival<'_> {
    /// The address of the client.
    #[inline]
    pub const fn client(&self) -> Addr {
        match self.is_inverse {
            false => self.flow.src,
            true => self.flow.dst,
        }
    }

    /// The port of the client in host order, if the service has the flag `sh-port` or `mh-port`;
    /// otherwise 0.
    #[inline]
    pub const fn client_port(&self) -> u16 {
        match (self.flags & service_flags::SCHED2, self.is_inverse) {
            (0, _) => 0,
            (_, false) => self.flow.sport,
            (_, true) => self.flow.dport,
        }
    }

    /// Whether another server replaces one that is not eligible: the flag `sh-fallback` or
    /// `mh-fallback` of the service.
    #[inline]
    pub const fn falls_back(&self) -> bool {
        self.flags & service_flags::SCHED1 != 0
    }
}

/// How the list of the servers of a service has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The list is new, and nothing is known about single servers.
    Rebuilt,
    /// The server at this index is new. The servers behind it were one place earlier.
    Inserted(usize),
    /// The server that was at this index is gone. The servers behind it were one place later.
    Removed(usize),
    /// The server at this index has other settings.
    Updated(usize),
}
