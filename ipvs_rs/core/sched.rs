// SPDX-License-Identifier: GPL-2.0

//! Which real server gets a new connection: one file for each algorithm.
//!
//! An algorithm sees the servers of one service as a slice, the newest first. That is the order
//! in which users see them, and in which the C module goes through them. Schedulers of three kinds:
//!
//! | | by | remembers |
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
/// The numbers may change at any time, but an algorithm that asks twice and gets two answers must
/// not break by it.
pub trait Server {
    /// The weight, at most `i32::MAX`; 0 gets no new connections.
    fn weight(&self) -> u32;
    /// Whether it has too many connections to get new ones.
    fn is_overloaded(&self) -> bool;
    /// Connections that count as active.
    fn active(&self) -> u32;
    /// All connections.
    fn total(&self) -> u32;
    /// The last weight that was not 0; 0 if there never was one.
    fn last_weight(&self) -> u32;
    /// The family of its address.
    fn family(&self) -> Family;
    /// Its address.
    fn addr(&self) -> Addr;
    /// Its port, 0 for that of the packet.
    fn port(&self) -> u16;

    /// The weight, or 0 if it is overloaded.
    #[inline]
    fn effective_weight(&self) -> u32 {
        match self.is_overloaded() {
            false => self.weight(),
            true => 0,
        }
    }

    /// Whether it may get new connections.
    #[inline]
    fn is_eligible(&self) -> bool {
        self.effective_weight() > 0
    }

    /// How busy it is: an active connection counts as much as 257 inactive ones.
    ///
    /// The C module computes in 32 bits, which overflow at eight million active connections.
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
    /// Where the packet comes from and goes to.
    pub flow: &'a Flow,
    /// The packet is what an ICMP error tells of, so it travelled from the service to the client.
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

    /// The port of the client, if ports count (`sh-port`, `mh-port`), else 0.
    #[inline]
    pub const fn client_port(&self) -> u16 {
        match (self.flags & service_flags::SCHED2, self.is_inverse) {
            (0, _) => 0,
            (_, false) => self.flow.sport,
            (_, true) => self.flow.dport,
        }
    }

    /// Whether another server stands in for one that is not eligible (`sh-fallback`,
    /// `mh-fallback`).
    #[inline]
    pub const fn falls_back(&self) -> bool {
        self.flags & service_flags::SCHED1 != 0
    }
}

/// How the servers of a service became what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// In a way that tells nothing about single servers.
    Rebuilt,
    /// The server at this index is new; those from there on were one place earlier.
    Inserted(usize),
    /// The server at this index is gone; those behind it were one place later.
    Removed(usize),
    /// The server at this index has other settings.
    Updated(usize),
}
