// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm metrics`: counters and gauges in the text format of Prometheus.

use std::fmt::Write;
use std::net::SocketAddr;

use clap::ArgMatches;
use ipvs_netlink::{Dest, Info, Service, ServiceKey, Stats};

use super::drops;
use super::serve::serve;

use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::names::{ip, Names, Protocol};
use crate::print::table::protocol_name;
use crate::print::{kernel_version, scheduler};
use crate::restore::say;
use crate::session::Session;

/// A number of statistics: its name, what it is, and how to get it.
type Counter = (&'static str, &'static str, fn(&Stats) -> u64);
/// A number of a server.
type Gauge = (&'static str, &'static str, fn(&Dest) -> u32);

const COUNTERS: [Counter; 5] = [
    (
        "connections_total",
        "Connections that were scheduled.",
        |stats| stats.connections,
    ),
    ("incoming_packets_total", "Packets from clients.", |stats| {
        stats.packets_in
    }),
    ("outgoing_packets_total", "Packets from servers.", |stats| {
        stats.packets_out
    }),
    ("incoming_bytes_total", "Bytes from clients.", |stats| {
        stats.bytes_in
    }),
    ("outgoing_bytes_total", "Bytes from servers.", |stats| {
        stats.bytes_out
    }),
];

const GAUGES: [Gauge; 6] = [
    ("weight", "The weight; 0 gets no new connections.", |dest| {
        dest.settings.weight
    }),
    ("active_connections", "Active connections.", |dest| {
        dest.active
    }),
    ("inactive_connections", "Inactive connections.", |dest| {
        dest.inactive
    }),
    ("persistent_connections", "Persistence templates.", |dest| {
        dest.persistent
    }),
    (
        "upper_threshold",
        "Connections at which it gets no new ones; 0 for never.",
        |dest| dest.settings.upper,
    ),
    (
        "lower_threshold",
        "Connections below which it gets new ones again.",
        |dest| dest.settings.lower,
    ),
];

/// What is shown of services and servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Each service, and each server.
    Servers,
    /// Each service, with the sums of its servers.
    Services,
    /// The sums of all.
    Everything,
}

impl Detail {
    fn of(options: &ArgMatches) -> Self {
        match options.get_one::<String>("sum").map(String::as_str) {
            None => Self::Servers,
            Some("all") => Self::Everything,
            Some(_) => Self::Services,
        }
    }
}

/// Prints all, or answers those who ask for it.
///
/// # Errors
///
/// What the kernel says, or that the address cannot be listened at.
pub fn run(session: &mut Session, options: &ArgMatches) -> Result<ExitCode, Failure> {
    let detail = Detail::of(options);
    match options.get_one::<SocketAddr>("listen") {
        Some(address) => serve(*address, || now(session, detail))?,
        None => say(&now(session, detail)?)?,
    }
    Ok(ExitCode::Success)
}

/// All numbers as they are.
fn now(session: &mut Session, detail: Detail) -> Result<String, Failure> {
    let failed = |error| Failure::listing(&error);
    let info = session.client.info().map_err(failed)?;
    let table = session.table(None, true).map_err(failed)?;
    let is_rust = session.client.has_additions();
    Ok(format!(
        "{}{}{}",
        whole(&info, is_rust, &table),
        text(&table, detail),
        files()
    ))
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// What is of no service.
fn whole(info: &Info, is_rust: bool, table: &[(Service, Vec<Dest>)]) -> String {
    let mut out = String::new();
    head(
        &mut out,
        "ipvs_module_info",
        "gauge",
        "The module that balances.",
    );
    let implementation = if is_rust { "rust" } else { "c" };
    let version = kernel_version(info);
    let _ = writeln!(
        out,
        "ipvs_module_info{{implementation=\"{implementation}\",version=\"{version}\"}} 1"
    );
    let dests = || table.iter().flat_map(|(_, dests)| dests);
    let sum = |get: fn(&Dest) -> u32| dests().map(|dest| u64::from(get(dest))).sum::<u64>();
    let numbers = [
        (
            "ipvs_connection_table_buckets",
            "Buckets of the connection table.",
            u64::from(info.table_size),
        ),
        ("ipvs_services", "Virtual services.", table.len() as u64),
        (
            "ipvs_servers",
            "Real servers of all services.",
            dests().count() as u64,
        ),
    ];
    for (name, help, number) in numbers {
        head(&mut out, name, "gauge", help);
        let _ = writeln!(out, "{name} {number}");
    }
    let name = "ipvs_connections";
    head(
        &mut out,
        name,
        "gauge",
        "Connections of all servers, and persistence templates.",
    );
    for (kind, number) in [
        ("active", sum(|dest| dest.active)),
        ("inactive", sum(|dest| dest.inactive)),
        ("persistent", sum(|dest| dest.persistent)),
    ] {
        let _ = writeln!(out, "{name}{{kind=\"{kind}\"}} {number}");
    }
    out
}

/// The files of the kernel that have a name and a count in each line: name of the counter, help, label, path.
const FILES: [[&str; 4]; 2] = [
    [
        "ipvs_drops_total",
        "Packets and connections that were given up.",
        "reason",
        drops::DROPS,
    ],
    [
        "ipvs_sync_events_total",
        "Events of the synchronisation daemons.",
        "event",
        drops::SYNC,
    ],
];

/// The counters in the files that there are: the C module has none of them.
fn files() -> String {
    FILES
        .iter()
        .filter_map(|[name, help, label, path]| {
            Some(counts(name, help, label, &drops::read(path)?))
        })
        .collect()
}

/// A counter for each number.
fn counts(name: &str, help: &str, label: &str, numbers: &[(String, u64)]) -> String {
    let mut out = String::new();
    head(&mut out, name, "counter", help);
    for (it, count) in numbers {
        let _ = writeln!(out, "{name}{{{label}=\"{it}\"}} {count}");
    }
    out
}

/// The services and servers.
fn text(table: &[(Service, Vec<Dest>)], detail: Detail) -> String {
    let mut out = String::new();
    if detail == Detail::Everything {
        let sum = |get: fn(&Stats) -> u64| {
            let numbers = table.iter().map(|(service, _)| get(&service.stats));
            numbers.fold(0, u64::wrapping_add)
        };
        for (counter, help, get) in COUNTERS {
            let name = format!("ipvs_{counter}");
            head(&mut out, &name, "counter", help);
            let _ = writeln!(out, "{name} {}", sum(get));
        }
        return out;
    }
    let name = "ipvs_service_info";
    head(&mut out, name, "gauge", "The scheduler of a service.");
    for (service, _) in table {
        let (labels, scheduler) = (service_labels(&service.key), scheduler(service));
        let _ = writeln!(out, "{name}{{{labels},scheduler=\"{scheduler}\"}} 1");
    }
    for (counter, help, get) in COUNTERS {
        let name = format!("ipvs_service_{counter}");
        head(&mut out, &name, "counter", help);
        for (service, _) in table {
            let (labels, number) = (service_labels(&service.key), get(&service.stats));
            let _ = writeln!(out, "{name}{{{labels}}} {number}");
        }
    }
    match detail {
        Detail::Servers => put_servers(&mut out, table),
        Detail::Services | Detail::Everything => put_sums(&mut out, table),
    }
    out
}

/// The servers of each service together.
fn put_sums(out: &mut String, table: &[(Service, Vec<Dest>)]) {
    let name = "ipvs_service_servers";
    head(
        out,
        name,
        "gauge",
        "Servers of a service; of those with weight 0, none gets new connections.",
    );
    for (service, dests) in table {
        let labels = service_labels(&service.key);
        let quiesced = dests
            .iter()
            .filter(|dest| dest.settings.weight == 0)
            .count();
        let serving = dests.len().saturating_sub(quiesced);
        let _ = writeln!(out, "{name}{{{labels},weight=\"0\"}} {quiesced}");
        let _ = writeln!(out, "{name}{{{labels},weight=\"above 0\"}} {serving}");
    }
    for (gauge, help, get) in GAUGES
        .iter()
        .filter(|(name, ..)| name.ends_with("connections"))
    {
        let name = format!("ipvs_service_{gauge}");
        head(out, &name, "gauge", help);
        for (service, dests) in table {
            let sum: u64 = dests.iter().map(|dest| u64::from(get(dest))).sum();
            let _ = writeln!(out, "{name}{{{}}} {sum}", service_labels(&service.key));
        }
    }
}

/// Each server.
fn put_servers(out: &mut String, table: &[(Service, Vec<Dest>)]) {
    for (counter, help, get) in COUNTERS {
        let name = format!("ipvs_server_{counter}");
        head(out, &name, "counter", help);
        for (labels, dest) in servers(table) {
            let _ = writeln!(out, "{name}{{{labels}}} {}", get(&dest.stats));
        }
    }
    for (gauge, help, get) in GAUGES {
        let name = format!("ipvs_server_{gauge}");
        head(out, &name, "gauge", help);
        for (labels, dest) in servers(table) {
            let _ = writeln!(out, "{name}{{{labels}}} {}", get(dest));
        }
    }
}

fn servers(table: &[(Service, Vec<Dest>)]) -> impl Iterator<Item = (String, &Dest)> {
    let names = Names::new(true);
    table.iter().flat_map(move |(service, dests)| {
        let service = service_labels(&service.key);
        let server =
            |dest: &Dest| names.endpoint(dest.key.family, dest.key.addr, dest.key.port, None);
        let labelled: Vec<_> = dests
            .iter()
            .map(|dest| (format!("{service},server=\"{}\"", server(dest)), dest))
            .collect();
        labelled
    })
}

/// What tells a service from others; nothing in it needs quoting.
fn service_labels(key: &ServiceKey) -> String {
    match key {
        ServiceKey::Mark { family, mark } => {
            let family = if family.af() == 2 { "ipv4" } else { "ipv6" };
            format!("family=\"{family}\",fwmark=\"{mark}\"")
        }
        ServiceKey::Address {
            family,
            protocol,
            addr,
            port,
        } => {
            let protocol = match Protocol::of(*protocol) {
                None => protocol.to_string(),
                known => protocol_name(known).to_lowercase(),
            };
            format!(
                "protocol=\"{protocol}\",address=\"{}\",port=\"{port}\"",
                ip(*family, *addr)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipvs_netlink::{Addr, DestKey, DestSettings, Family, Method, ServiceSettings};

    fn table() -> Vec<(Service, Vec<Dest>)> {
        let service = Service::new(
            ServiceKey::from_mark(Family::V4, 7),
            ServiceSettings::default(),
        );
        let dest = |last, weight| {
            let key = DestKey {
                family: Family::V4,
                addr: Addr::from_v4([10, 0, 0, last]),
                port: 80,
            };
            let settings = DestSettings::new(Method::DirectRoute, weight);
            let mut dest = Dest::new(key, settings);
            (dest.active, dest.inactive) = (u32::from(last), 1);
            dest
        };
        vec![(service, vec![dest(1, 1), dest(2, 0)])]
    }

    #[test]
    fn each_number_is_a_counter() {
        let numbers = [
            ("truncated".to_owned(), 3),
            ("no_server".to_owned(), u64::MAX),
        ];
        let expected = "# HELP drops Drops.\n# TYPE drops counter\n\
                        drops{reason=\"truncated\"} 3\n\
                        drops{reason=\"no_server\"} 18446744073709551615\n";
        assert_eq!(counts("drops", "Drops.", "reason", &numbers), expected);
    }

    #[test]
    fn the_schedulers_are_told() {
        let all = text(&table(), Detail::Servers);
        let line = "ipvs_service_info{family=\"ipv4\",fwmark=\"7\",scheduler=\"wlc\"} 1\n";
        assert!(all.contains(line), "{all}");
        assert!(all.contains(
            "ipvs_server_weight{family=\"ipv4\",fwmark=\"7\",server=\"10.0.0.2:80\"} 0\n"
        ));
    }

    #[test]
    fn sums_name_no_server() {
        let services = text(&table(), Detail::Services);
        assert!(!services.contains("server=\""));
        assert!(
            services.contains("ipvs_service_active_connections{family=\"ipv4\",fwmark=\"7\"} 3\n")
        );
        assert!(
            services.contains("fwmark=\"7\",weight=\"0\"} 1\n"),
            "{services}"
        );
        let all = text(&table(), Detail::Everything);
        assert!(!all.contains("fwmark"), "{all}");
        assert!(all.contains("\nipvs_connections_total 0\n"));
    }

    /// Each metric has its head once, and its lines behind that.
    #[test]
    fn metrics_are_told_once() {
        for detail in [Detail::Servers, Detail::Services, Detail::Everything] {
            let all = text(&table(), detail);
            let mut heads: Vec<&str> = all
                .lines()
                .filter(|line| line.starts_with("# TYPE"))
                .collect();
            let count = heads.len();
            heads.sort_unstable();
            heads.dedup();
            assert_eq!(heads.len(), count);
        }
    }
}
