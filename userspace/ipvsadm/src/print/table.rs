// SPDX-License-Identifier: GPL-2.0

//! The table, to the byte as 1.31 shows it: programs read it.

use std::fmt::{Display, Write};

use ipvs_netlink::uapi::{service_flags, tunnel};
use ipvs_netlink::{Dest, Family, Info, Method, Service, ServiceKey, Stats};

use super::{kernel_version, netmask, pad, sched_flags, scheduler, text, Form};
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
        let mut out = String::new();
        self.put_service_name(&mut out, key);
        out
    }

    fn put_service_name(&self, out: &mut String, key: &ServiceKey) {
        match key {
            ServiceKey::Mark { family, mark } => {
                let suffix = match family {
                    Family::V4 => "",
                    Family::V6 => " IPv6",
                };
                // Writing to a string does not fail.
                let _ = write!(out, "FWM  {mark}{suffix}");
            }
            ServiceKey::Address {
                family,
                protocol,
                addr,
                port,
            } => {
                let protocol = Protocol::of(*protocol);
                let start = out.len();
                out.push_str(protocol_name(protocol));
                pad(out, start, 5);
                let start = out.len();
                self.names
                    .put_endpoint(out, *family, *addr, *port, protocol);
                cut(out, start);
            }
        }
    }

    /// Adds counters or rates.
    fn put_numbers(&self, out: &mut String, stats: &Stats) {
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
        for number in numbers {
            out.push(' ');
            self.put_number(out, number);
        }
    }

    /// Adds a number of eight characters, if need be in thousands of thousands.
    fn put_number(&self, out: &mut String, number: u64) {
        const UNITS: [(u64, u64, char); 4] = [
            (100_000_000_000, 1_000, 'K'),
            (100_000_000_000_000, 1_000_000, 'M'),
            (100_000_000_000_000_000, 1_000_000_000, 'G'),
            (u64::MAX, 1_000_000_000_000, 'T'),
        ];
        let unit = match self.exact || number < 100_000_000 {
            true => None,
            false => UNITS.into_iter().find(|(below, ..)| number < *below),
        };
        let _ = match unit {
            Some((_, unit, letter)) => {
                write!(out, "{:>7}{letter}", number.checked_div(unit).unwrap_or(0))
            }
            None => write!(out, "{number:>8}"),
        };
    }
}

impl Form for Table<'_> {
    fn put_service(&self, out: &mut String, service: &Service) {
        let start = out.len();
        self.put_service_name(out, &service.key);
        match self.view {
            View::Stats | View::Rates => {
                pad(out, start, 33);
                self.put_numbers(out, &service.stats);
            }
            _ => {
                out.push(' ');
                out.push_str(&scheduler(service));
                put_service_flags(out, service);
            }
        }
        out.push('\n');
    }

    fn put_dest(&self, out: &mut String, service: &ServiceKey, dest: &Dest) {
        const ARROW: &str = "  -> ";
        let settings = &dest.settings;
        // Weights are signed in the kernel.
        let weight = i32::from_ne_bytes(settings.weight.to_ne_bytes());
        out.push_str(ARROW);
        let start = out.len();
        self.names.put_server(out, service, &dest.key);
        cut(out, start);
        pad(out, start, NAME_WIDTH);
        match self.view {
            View::Stats | View::Rates => {
                self.put_numbers(out, &dest.stats);
                out.push('\n');
                return;
            }
            View::Thresholds => {
                put_column(out, settings.upper, 10);
                put_column(out, settings.lower, 10);
            }
            View::Persistent => {
                put_column(out, weight, 9);
                put_column(out, dest.persistent, 11);
            }
            View::Plain | View::Tunnels => {
                put_column(out, method_name(settings.method), 7);
                if self.view == View::Tunnels {
                    put_column(out, tunnel_name(dest), 13);
                }
                put_column(out, weight, 6);
            }
        }
        put_column(out, dest.active, 10);
        put_column(out, dest.inactive, 10);
        out.push('\n');
    }
}

/// Adds a blank, and a column of at least this width.
fn put_column(out: &mut String, content: impl Display, width: usize) {
    out.push(' ');
    let start = out.len();
    let _ = write!(out, "{content}");
    pad(out, start, width);
}

/// Adds the flags of a service, as they follow its scheduler.
fn put_service_flags(out: &mut String, service: &Service) {
    let settings = &service.settings;
    let flags = sched_flags(service);
    if !flags.is_empty() {
        let _ = write!(out, " ({flags})");
    }
    if settings.has(service_flags::PERSISTENT) {
        let _ = write!(out, " persistent {}", settings.timeout);
        if let Some(mask) = netmask(service) {
            let _ = write!(out, " mask {mask}");
        }
        if let Some(pe) = settings.pe {
            let _ = write!(out, " pe {}", text(pe.as_bytes()));
        }
    }
    if settings.has(service_flags::ONE_PACKET) {
        out.push_str(" ops");
    }
}

/// Cuts the name that began at `start` to what there is room for; IPv6 addresses have more.
fn cut(out: &mut String, start: usize) {
    let name = out.get(start..).unwrap_or_default();
    if name.starts_with('[') {
        return;
    }
    if let Some((at, _)) = name.char_indices().nth(NAME_WIDTH) {
        out.truncate(start.saturating_add(at));
    }
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
        let shown = |number, exact| {
            let table = Table {
                names: &names,
                view: View::Stats,
                exact,
            };
            let mut out = String::new();
            table.put_number(&mut out, number);
            out
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
            assert_eq!(shown(number, false), short);
            assert_eq!(shown(number, true).trim_start(), number.to_string());
        }
    }

    #[test]
    fn ipv4_names_are_cut() {
        for (name, shown) in [
            (
                "a-very-long-host-name-of-more-than-thirty:http",
                "a-very-long-host-name-of-mor",
            ),
            ("10.0.0.1:80", "10.0.0.1:80"),
            (
                "[2001:db8:1111:2222:3333::1]:80",
                "[2001:db8:1111:2222:3333::1]:80",
            ),
        ] {
            let mut out = format!("-> {name}");
            cut(&mut out, 3);
            assert_eq!(out, format!("-> {shown}"));
        }
    }
}
