// SPDX-License-Identifier: GPL-2.0

//! Timeouts and daemons as JSON.

use ipvs_netlink::{Daemon, Timeouts};
use serde::Serialize;

use super::line;
use crate::print::{group, role, text};

#[derive(Serialize)]
struct TimeoutsEntry {
    timeouts: Times,
}

#[derive(Serialize)]
struct Times {
    tcp: u32,
    tcp_fin: u32,
    udp: u32,
}

/// `--list --timeout --json`
pub fn timeouts(times: &Timeouts) -> String {
    let Timeouts {
        tcp_established: tcp,
        tcp_fin_wait: tcp_fin,
        udp,
    } = *times;
    line(&TimeoutsEntry {
        timeouts: Times { tcp, tcp_fin, udp },
    })
}

#[derive(Serialize)]
struct DaemonEntry {
    state: &'static str,
    interface: String,
    syncid: u32,
    maxlen: u16,
    group: String,
    port: u16,
    ttl: u8,
}

#[derive(Serialize)]
struct Daemons {
    daemons: Vec<DaemonEntry>,
}

/// `--list --daemon --json`
pub fn daemons(list: &[Daemon]) -> String {
    let entry = |daemon: &Daemon| DaemonEntry {
        state: role(daemon.role),
        interface: text(daemon.interface.as_bytes()),
        syncid: daemon.sync_id,
        maxlen: daemon.max_len,
        group: group(daemon),
        port: daemon.port,
        ttl: daemon.ttl,
    };
    line(&Daemons {
        daemons: list.iter().map(entry).collect(),
    })
}
