// SPDX-License-Identifier: GPL-2.0

//! Deleted servers, kept for a while: their connections live on, and a server that comes back in
//! time takes them up again, with its counts.

use ipvs_core::config::{DestKey, ServiceKey};
use knet::{
    field::{field, Field},
    rcu::Arc,
    time::{Jiffies, HZ},
    vec::{position, VecExt},
    work::{Job, Work},
};

use crate::{dest::Dest, netns::Config, netns::Ipvs};

/// How often the trash is looked through.
const ROUND: usize = 60 * HZ;

/// How long a server without connections is kept.
const RETENTION: isize = 120 * HZ as isize;

/// A deleted server.
pub(crate) struct Entry {
    dest: Arc<Dest>,
    /// See [`sketch`]. For each server that is looked for, all entries are passed.
    sketch: u64,
    idle_since: Option<Jiffies>,
}

impl Entry {
    pub(crate) fn new(dest: Arc<Dest>) -> Self {
        let sketch = sketch(&dest.service, &dest.key);
        Self {
            dest,
            sketch,
            idle_since: None,
        }
    }

    /// Looks at the server in one round. Returns whether it is kept.
    fn keep(&mut self, now: Jiffies) -> bool {
        if !self.dest.is_idle() {
            self.idle_since = None;
            return true;
        }
        now.since(*self.idle_since.get_or_insert(now)) < RETENTION
    }
}

/// A number that seldom is the same for two servers.
fn sketch(service: &ServiceKey, key: &DestKey) -> u64 {
    let service = match *service {
        ServiceKey::Address { addr, port, .. } => {
            let [upper, lower] = addr.words();
            upper ^ lower.rotate_left(8) ^ u64::from(port)
        }
        ServiceKey::Mark { mark, .. } => u64::from(mark),
    };
    let [upper, lower] = key.addr.words();
    service.rotate_left(32) ^ upper ^ lower ^ u64::from(key.port).wrapping_shl(48)
}

impl Config {
    /// The deleted server that was `key` in the service `service`, if it is still there.
    pub(crate) fn find_in_trash(&self, service: &ServiceKey, key: &DestKey) -> Option<Arc<Dest>> {
        let sketch = sketch(service, key);
        let is_it = |entry: &&Entry| {
            let dest = &entry.dest;
            entry.sketch == sketch && dest.key == *key && dest.service == *service
        };
        Some(self.trash.iter().find(is_it)?.dest.clone())
    }

    /// Takes all revived servers out.
    pub(crate) fn forget_revived(&mut self) {
        self.trash.keep_only(|entry| !entry.dest.is_available());
    }

    /// Takes a revived server out.
    pub(crate) fn remove_from_trash(&mut self, dest: &Arc<Dest>) {
        let is_it = |entry: &Entry| entry.dest.ptr_eq(dest);
        let Some(index) = position(&self.trash, is_it) else {
            return;
        };
        let last = self.trash.pop();
        if let (Some(place), Some(last)) = (self.trash.get_mut(index), last) {
            *place = last;
        }
    }
}

/// The work of looking through the trash, done as long as there is any.
pub(crate) struct Round;

impl Round {
    /// Sees to it that there will be a round.
    pub(crate) fn plan(ipvs: &Arc<Ipvs>) {
        Work::<Ipvs, Self>::queue(ipvs, ROUND);
    }
}

impl Job<Ipvs> for Round {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, trash_rounds);

    fn run(ipvs: Arc<Ipvs>) {
        let now = Jiffies::now();
        let mut config = ipvs.config.lock();
        config.trash.keep_only(|entry| entry.keep(now));
        if !config.trash.is_empty() {
            Self::plan(&ipvs);
        }
    }
}
