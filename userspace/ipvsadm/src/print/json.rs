// SPDX-License-Identifier: GPL-2.0

//! Listings as JSON, for programs. The names of the fields stay; new ones may come.
//!
//! `{"version": "1.2.1", "services": [..]}`, and the like for other listings. Numbers are exact
//! and addresses numeric, whatever the other options say.

mod change;
mod connections;
mod settings;

use serde::Serialize;

use ipvs_netlink::uapi::{service_flags, tunnel};
use ipvs_netlink::{Dest, DestSettings, Info, Method, Service, ServiceKey, Stats};

pub use self::change::Object;
pub use self::connections::{connection, connections};
pub use self::settings::{daemons, sync_state, timeouts};
use super::{kernel_version, netmask, sched_flags, scheduler, table, text};
use crate::command::tunnel::flags as tunnel_flags;
use crate::names::{ip, Protocol};

/// A listing of services.
#[derive(Serialize)]
pub struct Services {
    version: String,
    connection_table_size: u32,
    services: Vec<ServiceEntry>,
}

#[derive(Serialize)]
struct ServiceEntry {
    #[serde(flatten)]
    key: Key,
    scheduler: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scheduler_flags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    persistence: Option<Persistence>,
    one_packet: bool,
    stats: StatsEntry,
    servers: Vec<Server>,
}

/// What identifies a service.
#[derive(Serialize)]
pub struct Key {
    family: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fwmark: Option<u32>,
}

impl Key {
    /// The key of a service.
    pub fn new(key: &ServiceKey) -> Self {
        let family = family(key.family());
        match key {
            ServiceKey::Mark { mark, .. } => Self {
                family,
                protocol: None,
                address: None,
                port: None,
                fwmark: Some(*mark),
            },
            ServiceKey::Address {
                family: of,
                protocol,
                addr,
                port,
            } => Self {
                family,
                protocol: Some(match Protocol::of(*protocol) {
                    None => protocol.to_string(),
                    known => table::protocol_name(known).to_lowercase(),
                }),
                address: Some(ip(*of, *addr).to_string()),
                port: Some(*port),
                fwmark: None,
            },
        }
    }
}

const fn family(family: ipvs_netlink::Family) -> &'static str {
    match family {
        ipvs_netlink::Family::V4 => "ipv4",
        ipvs_netlink::Family::V6 => "ipv6",
    }
}

#[derive(Serialize)]
struct Persistence {
    timeout: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    netmask: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<String>,
}

#[derive(Serialize)]
struct Server {
    address: String,
    port: u16,
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<TunnelEntry>,
    weight: u32,
    upper_threshold: u32,
    lower_threshold: u32,
    active_connections: u32,
    inactive_connections: u32,
    persistent_connections: u32,
    stats: StatsEntry,
}

#[derive(Serialize)]
struct TunnelEntry {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    checksum: &'static str,
}

#[derive(Serialize)]
struct StatsEntry {
    connections: u64,
    packets_in: u64,
    packets_out: u64,
    bytes_in: u64,
    bytes_out: u64,
    rates: RatesEntry,
}

#[derive(Serialize)]
struct RatesEntry {
    connections: u64,
    packets_in: u64,
    packets_out: u64,
    bytes_in: u64,
    bytes_out: u64,
}

impl From<&Stats> for StatsEntry {
    fn from(stats: &Stats) -> Self {
        let rates = &stats.rates;
        Self {
            connections: stats.connections,
            packets_in: stats.packets_in,
            packets_out: stats.packets_out,
            bytes_in: stats.bytes_in,
            bytes_out: stats.bytes_out,
            rates: RatesEntry {
                connections: rates.connections,
                packets_in: rates.packets_in,
                packets_out: rates.packets_out,
                bytes_in: rates.bytes_in,
                bytes_out: rates.bytes_out,
            },
        }
    }
}

/// The name of a forwarding method.
const fn method(method: Method) -> &'static str {
    match method {
        Method::Nat => "masquerading",
        Method::LocalNode => "local",
        Method::Tunnel => "tunnel",
        Method::DirectRoute => "gatewaying",
        Method::Bypass => "bypass",
        Method::Unassigned5 | Method::Unassigned6 | Method::Unassigned7 => "unknown",
    }
}

/// The tunnel of a server that is reached by one.
fn tunnel_entry(settings: &DestSettings) -> Option<TunnelEntry> {
    let kind = &settings.tunnel;
    (settings.method == Method::Tunnel).then(|| TunnelEntry {
        kind: match kind.kind {
            tunnel::GUE => "gue",
            tunnel::GRE => "gre",
            _ => "ipip",
        },
        port: (kind.kind == tunnel::GUE).then_some(kind.port),
        checksum: match kind.flags {
            tunnel_flags::CSUM => "on",
            tunnel_flags::REMCSUM => "remote",
            _ => "off",
        },
    })
}

/// The persistence of a service, if it has one.
fn persistence(service: &Service) -> Option<Persistence> {
    let settings = &service.settings;
    settings
        .has(service_flags::PERSISTENT)
        .then(|| Persistence {
            timeout: settings.timeout,
            netmask: netmask(service),
            engine: settings.pe.map(|pe| text(pe.as_bytes())),
        })
}

fn server(dest: &Dest) -> Server {
    let settings = &dest.settings;
    Server {
        address: ip(dest.key.family, dest.key.addr).to_string(),
        port: dest.key.port,
        method: method(settings.method),
        tunnel: tunnel_entry(settings),
        weight: settings.weight,
        upper_threshold: settings.upper,
        lower_threshold: settings.lower,
        active_connections: dest.active,
        inactive_connections: dest.inactive,
        persistent_connections: dest.persistent,
        stats: StatsEntry::from(&dest.stats),
    }
}

/// `--list --json`
pub fn services(info: &Info, table: &[(Service, Vec<Dest>)]) -> String {
    let entry = |(service, dests): &(Service, Vec<Dest>)| {
        let settings = &service.settings;
        let flags = sched_flags(service);
        ServiceEntry {
            key: Key::new(&service.key),
            scheduler: scheduler(service),
            scheduler_flags: flags
                .split(',')
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect(),
            persistence: persistence(service),
            one_packet: settings.has(service_flags::ONE_PACKET),
            stats: StatsEntry::from(&service.stats),
            servers: dests.iter().map(server).collect(),
        }
    };
    line(&Services {
        version: kernel_version(info),
        connection_table_size: info.table_size,
        services: table.iter().map(entry).collect(),
    })
}

/// A value on lines of its own.
pub fn line<T: Serialize>(value: &T) -> String {
    // These types hold nothing that JSON cannot.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}
