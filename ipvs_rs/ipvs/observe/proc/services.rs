// SPDX-License-Identifier: GPL-2.0

//! `/proc/net/ip_vs`: the services and their servers.
//!
//! ```text
//! IP Virtual Server version 1.2.1 (size=256)
//! Prot LocalAddress:Port Scheduler Flags
//!   -> RemoteAddress:Port Forward Weight ActiveConn InActConn
//! TCP  0A000001:0050 rr  persistent 75000 FFFFFFFF
//!   -> C0A80001:0050      Masq    1      0          2
//! FWM  0000000A wlc ops
//! ```
//!
//! Parsers skip three lines and rely on every blank, those at the ends of lines included.

use ipvs_core::{
    addr::Family,
    config::{Name, ServiceKey},
    uapi::{self, service_flags},
};
use kernel::{prelude::*, seq_file::SeqFile, seq_print, str::BStr};
use knet::{proc_seq::Rows, rcu};

use super::{Protocol, WithPort};
use crate::model::{
    member::Member,
    pool::Pool,
    service::{Cursor, Service},
    Ipvs,
};

/// A row is a service with all its servers, as they were together at one moment.
pub(super) struct ServiceRows;

impl Rows<Ipvs> for ServiceRows {
    const NAME: &'static CStr = c"ip_vs";
    type Cursor = Cursor;

    fn header(ipvs: &Ipvs, seq: &SeqFile) {
        let [_, major, minor, patch] = uapi::VERSION.to_be_bytes();
        seq_print!(
            seq,
            "IP Virtual Server version {major}.{minor}.{patch} (size={})\n",
            ipvs.conns.buckets()
        );
        seq_print!(seq, "Prot LocalAddress:Port Scheduler Flags\n");
        seq_print!(
            seq,
            "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
        );
    }

    fn row(ipvs: &Ipvs, mut cursor: Cursor, seq: &SeqFile) -> Option<Cursor> {
        let guard = rcu::read_lock();
        loop {
            let service = ipvs.services.next(&mut cursor, &guard)?;
            // Without a pool it was just deleted.
            if let Some(pool) = service.pool.load(&guard) {
                show_service(&service, pool, seq);
                pool.members().iter().for_each(|dest| show_dest(dest, seq));
                return Some(cursor);
            }
        }
    }
}

fn show_service(service: &Service, pool: &Pool, seq: &SeqFile) {
    let settings = pool.settings();
    let ops = match settings.flags & service_flags::ONE_PACKET {
        0 => "",
        _ => "ops ",
    };
    let scheduler = pool.scheduler().map(Name::as_bytes);
    let scheduler = BStr::from_bytes(scheduler.unwrap_or(uapi::NO_SCHEDULER));
    match service.key {
        ServiceKey::Mark { mark, .. } => {
            seq_print!(seq, "FWM  {mark:08X} {scheduler} {ops}");
        }
        ServiceKey::Address {
            family,
            protocol,
            addr,
            port,
        } => {
            let (protocol, addr) = (Protocol(protocol), WithPort(family, addr));
            seq_print!(seq, "{protocol}  {addr}:{port:04X} {scheduler} ");
            // As the C module does, which does not show this flag for IPv6.
            if family == Family::V4 {
                seq_print!(seq, "{ops} ");
            }
        }
    }
    if settings.is_persistent() {
        // CAST: As the C module does: ticks, in an int.
        let timeout = settings.timeout_ticks() as i32;
        let netmask = u32::from_be_bytes(settings.netmask.0);
        seq_print!(seq, "persistent {timeout} {netmask:08X}");
    }
    seq_print!(seq, "\n");
}

fn show_dest(dest: &Member, seq: &SeqFile) {
    let (active, total) = (dest.active(), dest.total());
    seq_print!(
        seq,
        "  -> {}:{:04X}      {:<7} {:<6} {:<10} {:<10}\n",
        WithPort(dest.key.family, dest.key.addr),
        dest.key.port,
        dest.spec().method().name(),
        dest.spec().weight(),
        active,
        // Both counts are read while they change.
        total.saturating_sub(active),
    );
}
