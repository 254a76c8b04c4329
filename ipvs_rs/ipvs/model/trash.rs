// SPDX-License-Identifier: GPL-2.0

//! Deleted servers, which are kept for a while. Their connections live on. A server that is added again in
//! time is revived: it gets its connections and its counts back.
//!
//! Each server has its own link in the trash, so the deletion of a server needs no memory.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use ipvs_core::{
    config::{DestKey, ServiceKey},
    hash::{siphash, HashKey},
};
use knet::{
    rcu::Arc,
    time::{Jiffies, HZ},
    tree::{Link, Linked, Tree},
};

use super::dest::Dest;

/// The ticks for which a server without connections is kept.
const RETENTION: isize = 120 * HZ as isize;

/// The state of a server in the trash. Changed under the configuration lock.
pub(crate) struct TrashState {
    link: Link<Dest>,
    /// Whether the server had no connections in the last round.
    was_idle: AtomicBool,
    /// The ticks at the first round without connections. Valid if `was_idle`.
    idle_since: AtomicUsize,
}

impl TrashState {
    /// The state of a server that was not deleted yet.
    pub(crate) fn new() -> Self {
        Self {
            link: Link::new(),
            was_idle: AtomicBool::new(false),
            idle_since: AtomicUsize::new(0),
        }
    }
}

impl Linked for Dest {
    fn link(&self) -> &Link<Self> {
        &self.trash_state.link
    }
}

/// Updates the state of a deleted server in one round. Returns whether the server is kept.
fn is_kept(dest: &Dest, now: Jiffies) -> bool {
    let (stay, is_idle) = (&dest.trash_state, dest.is_idle());
    if is_idle && !stay.was_idle.load(Relaxed) {
        stay.idle_since.store(now.ticks(), Relaxed);
    }
    stay.was_idle.store(is_idle, Relaxed);
    let idle_since = Jiffies::from_ticks(stay.idle_since.load(Relaxed));
    !is_idle || now.since(idle_since) < RETENTION
}

/// The deleted servers of a namespace.
pub(crate) struct Trash {
    key: HashKey,
    servers: Tree<Dest>,
}

impl Trash {
    /// An empty trash.
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            key,
            servers: Tree::new(),
        }
    }

    /// The hash of the server `dest` of the service `service`.
    fn hash(key: HashKey, service: &ServiceKey, dest: &DestKey) -> u64 {
        let (head, [s0, s1]) = match *service {
            ServiceKey::Address {
                protocol,
                addr,
                port,
                ..
            } => (u64::from(protocol) | u64::from(port) << 16, addr.words()),
            ServiceKey::Mark { mark, .. } => (u64::MAX, [u64::from(mark), 0]),
        };
        let [d0, d1] = dest.addr.words();
        let head = head.rotate_left(16) ^ u64::from(dest.port);
        siphash::<1, 3>(key, &[head, s0, s1, d0, d1])
    }

    /// The deleted server with this key in `service`, if it is in the trash.
    pub(crate) fn find(&mut self, service: &ServiceKey, key: &DestKey) -> Option<Arc<Dest>> {
        // The trash mostly is empty when servers are added.
        if self.is_empty() {
            return None;
        }
        self.settle();
        let is_it = |dest: &Dest| dest.key == *key && dest.service == *service;
        self.servers.find(Self::hash(self.key, service, key), is_it)
    }

    /// Moves all servers to their places in the tree, so that a search finds them. After a flush nobody searches, and
    /// this cost is saved.
    fn settle(&mut self) {
        let key = self.key;
        self.servers
            .settle(|dest| Self::hash(key, &dest.service, &dest.key));
    }

    /// Adds a deleted server.
    pub(crate) fn put(&mut self, dest: Arc<Dest>) {
        dest.trash_state.was_idle.store(false, Relaxed);
        self.servers.push(dest);
    }

    /// Removes a revived server, if it is in the trash.
    pub(crate) fn take(&mut self, dest: &Arc<Dest>) {
        if self.is_empty() {
            return;
        }
        self.settle();
        drop(self.servers.remove(dest));
    }

    /// Whether the trash has no servers.
    pub(crate) fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Removes all servers.
    pub(crate) fn clear(&mut self) {
        while self.servers.pop().is_some() {}
    }

    /// Does one round: removes the servers whose retention time is over, and calls `part` with each.
    pub(crate) fn sweep(&mut self, now: Jiffies, part: impl Fn(&Dest)) {
        let mut all = core::mem::take(&mut self.servers);
        while let Some(dest) = all.pop() {
            match is_kept(&dest, now) {
                true => self.servers.push(dest),
                false => part(&dest),
            }
        }
    }
}
