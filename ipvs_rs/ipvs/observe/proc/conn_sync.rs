// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_conn_sync`: the connections, and whether they were learned from a master.

use ipvs_core::conn::ConnFlags;
use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::{hashtable::Cursor, proc_seq::Rows, rcu};

use super::conns::Common;
use crate::model::Ipvs;

/// A row is a connection.
pub(super) struct ConnSyncRows;

impl Rows<Ipvs> for ConnSyncRows {
    const NAME: &'static CStr = c"ip_vs_conn_sync";
    type Cursor = Cursor;

    fn header(_ipvs: &Ipvs, seq: &SeqFile) {
        seq_print!(
            seq,
            "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n"
        );
    }

    fn row(ipvs: &Ipvs, mut cursor: Cursor, seq: &SeqFile) -> Option<Cursor> {
        let guard = rcu::read_lock();
        let conn = ipvs.conns.next(&mut cursor, &guard)?;
        let common = Common::of(&conn);
        let origin = match conn.condition().flags().has(ConnFlags::SYNC) {
            true => "SYNC",
            false => "LOCAL",
        };
        seq_print!(seq, "{common} {origin:<6} {:>7}\n", common.seconds);
        Some(cursor)
    }
}
