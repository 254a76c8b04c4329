// SPDX-License-Identifier: GPL-2.0

//! The connections of deleted servers, where the administrator does not want to keep them.

use knet::{
    field::{field, Field},
    hashtable::Cursor,
    rcu::{self, Arc},
    work::{Job, Work},
};

use crate::model::{duties::Cleanup, Ipvs};

/// Connections that are looked at in one read-side section.
const AT_ONCE: usize = 64;

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
                if conn.dest.is_deleted() {
                    conn.end_with_controller();
                }
            }
        }
    }
}
