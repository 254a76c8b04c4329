// SPDX-License-Identifier: GPL-2.0

//! The table, to the byte as 1.31 shows it: programs read it.

use std::fmt::Write;

use ipvs_netlink::uapi::{service_flags, tunnel};
use ipvs_netlink::{Dest, Info, Method, Service, ServiceKey, Stats};

use super::{kernel_version, netmask, sched_flags, scheduler, text, Form};
use crate::command::{tunnel::flags as tunnel_flags, View};
use crate::names::{Names, Protocol};

/// How services are shown.
pub struct Table<'a> {
    /// Names or numbers.
    pub names: &'a Names,
    /// The columns.
    pub view: View,
    /// Numbers in full.
    pub exact: bool,
}

/// IPv4 addresses are cut to this, with their port.
const NAME_WIDTH: usize = 28;

impl Table<'_> {
    /// The line with the version.
    pub fn version_line(info: &Info) -> String {
        format!(
            "IP Virtual Server version {} (size={})\n",
            kernel_version(info),
            info.table_size
        )
    }

    /// The lines with the names of the columns.
    pub const fn header(&self) -> &'static str {
        match self.view {
            View::Plain => {
                "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
            }
            View::Tunnels => {
                "Prot LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n"
            }
            View::Stats => {
                "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  -> RemoteAddress:Port\n"
            }
            View::Rates => {
                "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  -> RemoteAddress:Port\n"
            }
            View::Thresholds => {
                "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  -> RemoteAddress:Port\n"
            }
            View::Persistent => {
                "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  -> RemoteAddress:Port\n"
            }
        }
    }

    /// The name of a service: protocol and address, or the mark.
    pub fn service_name(&self, key: &ServiceKey) -> String {
        match key {
            ServiceKey::Mark { family, mark } => {
                let suffix = if *family == ipvs_netlink::Family::V6 {
                    " IPv6"
                } else {
                    ""
                };
                format!("FWM  {mark}{suffix}")
            }
            ServiceKey::Address {
                family,
                protocol,
                addr,
                port,
            } => {
                let protocol = Protocol::from_number(*protocol);
                let name = self.names.endpoint(*family, *addr, *port, protocol);
                format!("{:<4} {}", protocol_name(protocol), cut(&name))
            }
        }
    }

    /// Counters or rates.
    fn numbers(&self, stats: &Stats) -> String {
        let rates = &stats.rates;
        let numbers = if self.view == View::Rates {
            [
                rates.connections,
                rates.packets_in,
                rates.packets_out,
                rates.bytes_in,
                rates.bytes_out,
            ]
        } else {
            [
                stats.connections,
                stats.packets_in,
                stats.packets_out,
                stats.bytes_in,
                stats.bytes_out,
            ]
        };
        let mut out = String::new();
        for number in numbers {
            out.push(' ');
            out.push_str(&self.number(number));
        }
        out
    }

    /// A number of eight characters, if need be in thousands of thousands.
    fn number(&self, number: u64) -> String {
        const UNITS: [(u64, u64, char); 4] = [
            (100_000_000_000, 1_000, 'K'),
            (100_000_000_000_000, 1_000_000, 'M'),
            (100_000_000_000_000_000, 1_000_000_000, 'G'),
            (u64::MAX, 1_000_000_000_000, 'T'),
        ];
        if self.exact || number < 100_000_000 {
            return format!("{number:>8}");
        }
        for (below, unit, letter) in UNITS {
            if number < below {
                return format!("{:>7}{letter}", number.checked_div(unit).unwrap_or(0));
            }
        }
        format!("{number:>8}")
    }
}

impl Form for Table<'_> {
    fn service(&self, service: &Service) -> String {
        let mut out = self.service_name(&service.key);
        // Writing to a string does not fail.
        let _ = match self.view {
            View::Stats | View::Rates => {
                out = format!("{out:<33}");
                out.push_str(&self.numbers(&service.stats));
                writeln!(out)
            }
            _ => {
                let _ = write!(out, " {}", scheduler(service));
                out.push_str(&service_flags(service));
                writeln!(out)
            }
        };
        out
    }

    fn dest(&self, service: &ServiceKey, dest: &Dest) -> String {
        let name = self.names.server(service, &dest.key);
        let name = cut(&name);
        let settings = &dest.settings;
        let (active, inactive) = (dest.active, dest.inactive);
        let method = method_name(settings.method);
        // Weights are signed in the kernel.
        let weight = i32::from_ne_bytes(settings.weight.to_ne_bytes());
        match self.view {
            View::Stats | View::Rates => {
                format!("  -> {name:<28}{}\n", self.numbers(&dest.stats))
            }
            View::Thresholds => format!(
                "  -> {name:<28} {:<10} {:<10} {active:<10} {inactive:<10}\n",
                settings.upper, settings.lower
            ),
            View::Persistent => format!(
                "  -> {name:<28} {weight:<9} {:<11} {active:<10} {inactive:<10}\n",
                dest.persistent
            ),
            View::Tunnels => format!(
                "  -> {name:<28} {method:<7} {:<13} {weight:<6} {active:<10} {inactive:<10}\n",
                tunnel_name(dest)
            ),
            View::Plain => {
                format!("  -> {name:<28} {method:<7} {weight:<6} {active:<10} {inactive:<10}\n")
            }
        }
    }
}

/// The flags of a service, as they follow its scheduler.
fn service_flags(service: &Service) -> String {
    let settings = &service.settings;
    let mut out = String::new();
    let flags = sched_flags(service);
    if !flags.is_empty() {
        out.push_str(&format!(" ({flags})"));
    }
    if settings.has(service_flags::PERSISTENT) {
        out.push_str(&format!(" persistent {}", settings.timeout));
        if let Some(mask) = netmask(service) {
            out.push_str(&format!(" mask {mask}"));
        }
        if let Some(pe) = settings.pe {
            out.push_str(&format!(" pe {}", text(pe.as_bytes())));
        }
    }
    if settings.has(service_flags::ONE_PACKET) {
        out.push_str(" ops");
    }
    out
}

/// A name as long as there is room for; IPv6 addresses have more.
fn cut(name: &str) -> &str {
    if name.starts_with('[') {
        return name;
    }
    let end = name
        .char_indices()
        .nth(NAME_WIDTH)
        .map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or(name)
}

/// The name of a protocol.
pub const fn protocol_name(protocol: Option<Protocol>) -> &'static str {
    match protocol {
        Some(Protocol::Udp) => "UDP",
        Some(Protocol::Sctp) => "SCTP",
        Some(Protocol::Tcp) | None => "TCP",
    }
}

/// The name of a forwarding method.
pub const fn method_name(method: Method) -> &'static str {
    match method {
        Method::LocalNode => "Local",
        Method::Tunnel => "Tunnel",
        Method::DirectRoute => "Route",
        Method::Nat
        | Method::Bypass
        | Method::Unassigned5
        | Method::Unassigned6
        | Method::Unassigned7 => "Masq",
    }
}

/// A tunnel: kind, port, checksums.
fn tunnel_name(dest: &Dest) -> String {
    let settings = &dest.settings.tunnel;
    if dest.settings.method != Method::Tunnel {
        return "n/a".to_owned();
    }
    let sums = match settings.flags {
        tunnel_flags::CSUM => "+c",
        tunnel_flags::REMCSUM => "r+c",
        _ => "-c",
    };
    match settings.kind {
        tunnel::GUE => format!("gue:{}:{sums}", settings.port),
        tunnel::GRE => format!("gre:{sums}"),
        _ => "ipip".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_shown_in_larger_units() {
        let names = Names::new(true);
        let table = |exact| Table {
            names: &names,
            view: View::Stats,
            exact,
        };
        for (number, short) in [
            (0, "       0"),
            (99_999_999, "99999999"),
            (100_000_000, " 100000K"),
            (99_999_999_999, "99999999K"),
            (100_000_000_000, " 100000M"),
            (100_000_000_000_000, " 100000G"),
            (100_000_000_000_000_000, " 100000T"),
        ] {
            assert_eq!(table(false).number(number), short);
            assert_eq!(table(true).number(number).trim_start(), number.to_string());
        }
    }

    #[test]
    fn ipv4_names_are_cut() {
        assert_eq!(
            cut("a-very-long-host-name-of-more-than-thirty:http"),
            "a-very-long-host-name-of-mor"
        );
        assert_eq!(cut("10.0.0.1:80"), "10.0.0.1:80");
    }
}
