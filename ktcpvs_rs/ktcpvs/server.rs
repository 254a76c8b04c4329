// SPDX-License-Identifier: GPL-2.0

//! A server of a service, as its relays share it.

use core::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed},
};
use ipvs_core::addr::{Addr, Family};
use kernel::prelude::*;
use knet::{
    rcu::Arc,
    time::{Jiffies, HZ},
};
use ktcpvs_core::message::Endpoint;

use crate::stats::Stats;

/// For so long a server is passed over that was not reached, in ticks.
const DOWN: usize = 5 * HZ;

/// A server. What it is configured to is part of the body of its service; this stays the same when that changes.
pub(crate) struct Server {
    at: Endpoint,
    /// The number of relays.
    relays: AtomicU32,
    /// Until when it is passed over, in ticks; counts only while `is_down`.
    down_until: AtomicUsize,
    is_down: AtomicBool,
    pub(crate) stats: Stats,
}

impl Server {
    pub(crate) fn new(at: Endpoint) -> Result<Arc<Self>> {
        Arc::new(
            Self {
                at,
                relays: AtomicU32::new(0),
                down_until: AtomicUsize::new(0),
                is_down: AtomicBool::new(false),
                stats: Stats::new()?,
            },
            GFP_KERNEL_ACCOUNT,
        )
    }

    pub(crate) fn at(&self) -> &Endpoint {
        &self.at
    }

    pub(crate) fn relays(&self) -> u32 {
        self.relays.load(Relaxed)
    }

    /// So many ticks it is passed over.
    pub(crate) fn down(&self) -> usize {
        if !self.is_down.load(Relaxed) {
            return 0;
        }
        let until = Jiffies::from_ticks(self.down_until.load(Relaxed));
        let left = usize::try_from(until.since(Jiffies::now())).unwrap_or(0);
        if left == 0 {
            self.is_down.store(false, Relaxed);
        }
        left
    }

    /// It was not reached.
    pub(crate) fn set_down(&self) {
        let until = Jiffies::now().after(DOWN);
        self.down_until.store(until.ticks(), Relaxed);
        self.is_down.store(true, Relaxed);
    }

    /// A relay of the server begins.
    pub(crate) fn choose(server: &Arc<Self>) -> Chosen {
        server.relays.fetch_add(1, Relaxed);
        Chosen(server.clone())
    }
}

/// A server that a relay has chosen, which counts that relay.
pub(crate) struct Chosen(Arc<Server>);

impl core::ops::Deref for Chosen {
    type Target = Arc<Server>;

    fn deref(&self) -> &Arc<Server> {
        &self.0
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.0.relays.fetch_sub(1, Relaxed);
    }
}

/// An endpoint as sockets have it.
pub(crate) fn socket_addr(at: &Endpoint) -> SocketAddr {
    match at.family {
        Family::V4 => SocketAddr::new(at.addr.v4().into(), at.port),
        Family::V6 => SocketAddr::new(at.addr.octets().into(), at.port),
    }
}

/// The address of a socket as an endpoint.
pub(crate) fn endpoint(at: SocketAddr) -> Endpoint {
    let (family, addr) = match at.ip() {
        IpAddr::V4(ip) => (Family::V4, Addr::from_v4(ip.octets())),
        IpAddr::V6(ip) => (Family::V6, Addr::from_v6(ip.octets())),
    };
    let port = at.port();
    Endpoint { family, addr, port }
}
