// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs_conn`: the connections, each once.

use ipvs_core::engine::EngineData;
use kernel::{fmt, prelude::*, seq_file::SeqFile, seq_print, str::BStr};
use knet::{
    hashtable::Cursor,
    proc_seq::Rows,
    rcu,
    time::{Jiffies, HZ},
};

use super::{Column, Protocol};
use crate::model::{conn::Conn, Ipvs};

/// A row is a connection.
pub(super) struct ConnRows;

impl Rows<Ipvs> for ConnRows {
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
        let common = Common::of(&conn);
        seq_print!(
            seq,
            "{common} {:>7}{}\n",
            common.seconds,
            EngineColumns(&conn)
        );
        Some(cursor)
    }
}

/// The columns of a template with data of a persistence engine.
struct EngineColumns<'a>(&'a Conn);

impl fmt::Display for EngineColumns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.engine_data() {
            None => Ok(()),
            Some(EngineData { name, data }) => {
                // Bytes that would disturb the line are escaped.
                let (name, data) = (BStr::from_bytes(name), BStr::from_bytes(data));
                f.write_fmt(fmt!(" {name} {data}"))
            }
        }
    }
}

/// The columns that both files have: the addresses and ports, and the state of the connection.
pub(super) struct Common<'a> {
    conn: &'a Conn,
    /// How long the connection lives without packets.
    pub(super) seconds: usize,
}

impl<'a> Common<'a> {
    /// Those of a connection now.
    pub(super) fn of(conn: &'a Conn) -> Self {
        let seconds = conn.remaining(Jiffies::now()) / HZ;
        Self { conn, seconds }
    }
}

impl fmt::Display for Common<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conn = self.conn;
        f.write_fmt(fmt!(
            "{:<3} {} {:04X} {} {:04X} {} {:04X} {:<11}",
            Protocol(conn.protocol.into()),
            Column(conn.family, conn.client),
            conn.client_port,
            Column(conn.family, conn.virtual_addr),
            conn.virtual_port,
            Column(conn.dest.key.family, conn.server),
            conn.listed_port(),
            conn.state_name(),
        ))
    }
}
