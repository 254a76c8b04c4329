// SPDX-License-Identifier: GPL-2.0

//! Timeouts and daemons as JSON.

use std::collections::BTreeMap;

use ipvs_netlink::{Daemon, Master, SyncState, Timeouts};
use serde::Serialize;

use super::line;
use crate::extra::sync::mode;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<SyncEntry>,
}

#[derive(Serialize)]
struct MasterEntry {
    address: String,
    stream: u16,
    epoch: u32,
    complete: bool,
    missing: u32,
    silence_ms: u32,
}

#[derive(Serialize)]
struct SyncEntry {
    authentication: &'static str,
    keys: Vec<u8>,
    peers: Vec<String>,
    masters: Vec<MasterEntry>,
    events: BTreeMap<String, u64>,
}

impl SyncEntry {
    fn of(state: &SyncState) -> Self {
        let master = |master: &Master| MasterEntry {
            address: master.addr.to_string(),
            stream: master.stream,
            epoch: master.epoch,
            complete: master.is_complete,
            missing: master.missing,
            silence_ms: master.silence,
        };
        Self {
            authentication: state.authentication.map_or("off", mode),
            keys: state.keys.clone(),
            peers: state.peers.iter().map(ToString::to_string).collect(),
            masters: state.masters.iter().map(master).collect(),
            events: state.events.iter().cloned().collect(),
        }
    }
}

/// `sync status --json`
pub fn sync_state(state: &SyncState) -> String {
    line(&SyncEntry::of(state))
}

/// `--list --daemon --json`. The C module has no state besides the list.
pub fn daemons(list: &[Daemon], state: Option<&SyncState>) -> String {
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
        sync: state.map(SyncEntry::of),
    })
}
