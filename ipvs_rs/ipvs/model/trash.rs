// SPDX-License-Identifier: GPL-2.0

//! Deleted servers, kept for a while: their connections live on, and a server that comes back in
//! time takes them up again, with its counts.
//!
//! They are linked up within themselves, so that nothing is deleted for which there must be memory.

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

/// How long a server without connections is kept.
const RETENTION: isize = 120 * HZ as isize;

/// What a server has for its stay in the trash. Changes under the configuration lock.
pub(crate) struct TrashState {
    link: Link<Dest>,
    /// It had no connections in the last round.
    was_idle: AtomicBool,
    /// Since when it has had none, if it had none.
    idle_since: AtomicUsize,
}

impl TrashState {
    /// Of a server that was not deleted yet.
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

/// Looks at a deleted server in one round. Returns whether it is kept.
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
    /// An empty one.
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

    /// The deleted server that was `key` in the service `service`, if it is still there.
    pub(crate) fn find(&mut self, service: &ServiceKey, key: &DestKey) -> Option<Arc<Dest>> {
        // As it mostly is where servers are added.
        if self.is_empty() {
            return None;
        }
        self.settle();
        let is_it = |dest: &Dest| dest.key == *key && dest.service == *service;
        self.servers.find(Self::hash(self.key, service, key), is_it)
    }

    /// Lets all servers be found. Those that nobody looks for, as after a flush, do without.
    fn settle(&mut self) {
        let key = self.key;
        self.servers
            .settle(|dest| Self::hash(key, &dest.service, &dest.key));
    }

    /// Puts a deleted server in.
    pub(crate) fn put(&mut self, dest: Arc<Dest>) {
        dest.trash_state.was_idle.store(false, Relaxed);
        self.servers.push(dest);
    }

    /// Takes a revived server out, if it was there.
    pub(crate) fn take(&mut self, dest: &Arc<Dest>) {
        if self.is_empty() {
            return;
        }
        self.settle();
        drop(self.servers.remove(dest));
    }

    /// Whether there is no server in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// Gives all up.
    pub(crate) fn clear(&mut self) {
        while self.servers.pop().is_some() {}
    }

    /// Gives those up that are not kept.
    pub(crate) fn look_through(&mut self, now: Jiffies) {
        let mut all = core::mem::take(&mut self.servers);
        while let Some(dest) = all.pop() {
            if is_kept(&dest, now) {
                self.servers.push(dest);
            }
        }
    }
}
