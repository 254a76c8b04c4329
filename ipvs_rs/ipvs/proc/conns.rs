// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_conn`: the connections, each once.

use kernel::{prelude::*, seq_file::SeqFile, seq_print};
use knet::{
    hashtable::Cursor,
    proc_seq::Rows,
    rcu,
    time::{Jiffies, HZ},
};

use super::{Column, Protocol};
use crate::netns::Ipvs;

/// A row is a connection.
pub(super) struct Table;

impl Rows<Ipvs> for Table {
    const NAME: &'static CStr = c"ip_vs_conn";
    type Cursor = Cursor;

    fn header(_ipvs: &Ipvs, seq: &SeqFile) {
        seq_print!(
            seq,
            "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
        );
    }

    fn row(ipvs: &Ipvs, mut cursor: Cursor, seq: &SeqFile) -> Option<Cursor> {
        let guard = rcu::read_lock();
        let conn = ipvs.conns.next(&mut cursor, &guard)?;
        let seconds = conn.remaining(Jiffies::now()) / HZ;
        seq_print!(
            seq,
            "{:<3} {} {:04X} {} {:04X} {} {:04X} {:<11} {:>7}\n",
            Protocol(conn.protocol.into()),
            Column(conn.family, conn.client),
            conn.client_port,
            Column(conn.family, conn.virtual_addr),
            conn.virtual_port,
            Column(conn.dest.key.family, conn.server),
            conn.server_port,
            conn.state_name(),
            seconds,
        );
        Some(cursor)
    }
}
