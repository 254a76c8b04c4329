// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm metrics`: counters and gauges in the text format of Prometheus.

use std::fmt::Write;

use ipvs_netlink::{Dest, Service, ServiceKey, Stats};

use crate::error::Failure;
use crate::exit_code::ExitCode;
use crate::names::{ip, Names, Protocol};
use crate::print::table::protocol_name;
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

/// Prints all.
///
/// # Errors
///
/// What the kernel says.
pub fn run(session: &mut Session) -> Result<ExitCode, Failure> {
    let table = session
        .table(None, true)
        .map_err(|error| Failure::listing(&error))?;
    say(&format!("{}{}", text(&table), files()))?;
    Ok(ExitCode::Success)
}

/// The files of the kernel that have a name and a count in each line: name of the counter, help, label, path.
const FILES: [[&str; 4]; 2] = [
    [
        "ipvs_drops_total",
        "Packets and connections that were given up.",
        "reason",
        "/proc/net/ip_vs_drops",
    ],
    [
        "ipvs_sync_events_total",
        "Events of the synchronisation daemons.",
        "event",
        "/proc/net/ip_vs_sync",
    ],
];

/// The counters in the files that there are: the C module has none of them.
fn files() -> String {
    FILES
        .iter()
        .filter_map(|[name, help, label, path]| {
            let lines = std::fs::read_to_string(path).ok()?;
            Some(counts(name, help, label, &lines))
        })
        .collect()
}

/// A counter for each line. A line that is no name and count is left out.
fn counts(name: &str, help: &str, label: &str, lines: &str) -> String {
    let mut out = format!("# HELP {name} {help}\n# TYPE {name} counter\n");
    for line in lines.lines() {
        let is_name = |it: &str| {
            it.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let counted = line
            .split_once(' ')
            .and_then(|(it, count)| Some((it, count.trim().parse::<u64>().ok()?)))
            .filter(|(it, _)| is_name(it));
        if let Some((it, count)) = counted {
            let _ = writeln!(out, "{name}{{{label}=\"{it}\"}} {count}");
        }
    }
    out
}

fn text(table: &[(Service, Vec<Dest>)]) -> String {
    let mut out = String::new();
    let head = |out: &mut String, name: &str, kind: &str, help: &str| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    };
    for (counter, help, get) in COUNTERS {
        let name = format!("ipvs_service_{counter}");
        head(&mut out, &name, "counter", help);
        for (service, _) in table {
            let _ = writeln!(
                out,
                "{name}{{{}}} {}",
                service_labels(&service.key),
                get(&service.stats)
            );
        }
    }
    for (counter, help, get) in COUNTERS {
        let name = format!("ipvs_server_{counter}");
        head(&mut out, &name, "counter", help);
        for (labels, dest) in servers(table) {
            let _ = writeln!(out, "{name}{{{labels}}} {}", get(&dest.stats));
        }
    }
    for (gauge, help, get) in GAUGES {
        let name = format!("ipvs_server_{gauge}");
        head(&mut out, &name, "gauge", help);
        for (labels, dest) in servers(table) {
            let _ = writeln!(out, "{name}{{{labels}}} {}", get(dest));
        }
    }
    out
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
            let protocol = match Protocol::from_number(*protocol) {
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
    use super::counts;

    #[test]
    fn each_line_is_a_counter() {
        let lines = "truncated 3\nno_server 18446744073709551615\nx\"y 4\nno count\n\n";
        let expected = "# HELP drops Drops.\n# TYPE drops counter\n\
                        drops{reason=\"truncated\"} 3\n\
                        drops{reason=\"no_server\"} 18446744073709551615\n";
        assert_eq!(counts("drops", "Drops.", "reason", lines), expected);
    }
}
