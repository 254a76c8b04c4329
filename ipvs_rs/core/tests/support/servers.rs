// SPDX-License-Identifier: GPL-2.0

//! Servers and requests for the tests of schedulers.

#![allow(dead_code, reason = "each test uses a part of it")]

use ipvs_core::addr::{Addr, Family};
use ipvs_core::flow::{Flow, Fragment};
use ipvs_core::sched::{Arrival, Server};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fake {
    pub(crate) weight: u32,
    pub(crate) last_weight: u32,
    pub(crate) overloaded: bool,
    pub(crate) active: u32,
    pub(crate) total: u32,
    pub(crate) family: Family,
    pub(crate) addr: Addr,
    pub(crate) port: u16,
}

impl Server for Fake {
    fn weight(&self) -> u32 {
        self.weight
    }

    fn is_overloaded(&self) -> bool {
        self.overloaded
    }

    fn active(&self) -> u32 {
        self.active
    }

    fn total(&self) -> u32 {
        self.total
    }

    fn last_weight(&self) -> u32 {
        self.last_weight
    }

    fn family(&self) -> Family {
        self.family
    }

    fn addr(&self) -> Addr {
        self.addr
    }

    fn port(&self) -> u16 {
        self.port
    }
}

/// An idle server.
pub(crate) fn idle(weight: u32) -> Fake {
    loaded(weight, 0, 0)
}

/// A server with so many active and inactive connections.
pub(crate) fn loaded(weight: u32, active: u32, inactive: u32) -> Fake {
    Fake {
        weight,
        last_weight: weight,
        overloaded: false,
        active,
        total: active.saturating_add(inactive),
        family: Family::V4,
        addr: Addr::ZERO,
        port: 0,
    }
}

/// A server that has reached its upper threshold.
pub(crate) fn overloaded(weight: u32) -> Fake {
    Fake {
        overloaded: true,
        ..idle(weight)
    }
}

/// Idle servers of these weights.
pub(crate) fn weights(weights: &[u32]) -> Vec<Fake> {
    weights.iter().copied().map(idle).collect()
}

/// A server of this address.
pub(crate) fn at(addr: [u8; 4], port: u16, weight: u32) -> Fake {
    Fake {
        addr: Addr::from_v4(addr),
        port,
        ..idle(weight)
    }
}

/// A packet from a client to a destination.
pub(crate) fn flow(src: [u8; 4], sport: u16, dst: [u8; 4]) -> Flow {
    Flow {
        family: Family::V4,
        protocol: 6,
        fragment: Fragment::Whole,
        src: Addr::from_v4(src),
        dst: Addr::from_v4(dst),
        sport,
        dport: 80,
        transport: 20,
    }
}

/// A request of a service with these flags.
pub(crate) fn arrival(flow: &Flow, flags: u32) -> Arrival<'_> {
    Arrival {
        flow,
        is_inverse: false,
        flags,
    }
}
