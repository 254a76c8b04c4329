// SPDX-License-Identifier: GPL-2.0

//! The connections of deleted servers, where the administrator does not want to keep them.

use core::sync::atomic::Ordering::Relaxed;
use knet::{
    field::{field, Field},
    hashtable::Cursor,
    rcu::{self, Arc},
    work::{Job, Work},
};

use crate::netns::Ipvs;

/// Connections that are looked at in one read-side section.
const AT_ONCE: usize = 64;

/// The work of ending all connections of deleted servers.
pub(crate) struct Cleanup;

impl Cleanup {
    /// Sees to it that it is done soon, if the sysctl `expire_nodest_conn` says so.
    pub(crate) fn consider(ipvs: &Arc<Ipvs>) {
        if ipvs.settings.expire_nodest_conn.load(Relaxed) != 0 {
            // Not at once, as servers are often deleted one after the other.
            Work::<Ipvs, Self>::queue(ipvs, 1);
        }
    }
}

impl Job<Ipvs> for Cleanup {
    const WORK: Field<Ipvs, Work<Ipvs, Self>> = field!(Ipvs, cleanup);

    fn run(ipvs: Arc<Ipvs>) {
        let mut cursor = Cursor::default();
        loop {
            let guard = rcu::read_lock();
            for _ in 0..AT_ONCE {
                let Some(conn) = ipvs.conns.next(&mut cursor, &guard) else {
                    return;
                };
                if !conn.dest.is_available() && !conn.dest.is_nobody() {
                    conn.end_with_controller();
                }
            }
        }
    }
}
