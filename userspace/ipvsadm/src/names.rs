// SPDX-License-Identifier: GPL-2.0

//! Names of hosts and ports, in both directions.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use ipvs_netlink::{Addr, DestKey, Family, ServiceKey};

/// A protocol that has ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// The protocol of a service, if it has ports.
    pub const fn of(protocol: ipvs_netlink::Protocol) -> Option<Self> {
        match protocol {
            ipvs_netlink::Protocol::TCP => Some(Self::Tcp),
            ipvs_netlink::Protocol::UDP => Some(Self::Udp),
            ipvs_netlink::Protocol::SCTP => Some(Self::Sctp),
            _ => None,
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        match name {
            "tcp" => Some(Self::Tcp),
            "udp" => Some(Self::Udp),
            "sctp" => Some(Self::Sctp),
            _ => None,
        }
    }
}

impl From<Protocol> for ipvs_netlink::Protocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Tcp => Self::TCP,
            Protocol::Udp => Self::UDP,
            Protocol::Sctp => Self::SCTP,
        }
    }
}

/// Where Linux keeps the names of ports.
const SERVICES: &str = "/etc/services";

/// What names can be typed: those of ports, read when first needed, and those of hosts.
#[derive(Default)]
pub struct Services {
    tables: OnceCell<Tables>,
    offline: bool,
}

#[derive(Default)]
struct Tables {
    ports: HashMap<(String, Protocol), u16>,
    names: HashMap<(u16, Protocol), String>,
}

impl Services {
    /// The names in a text of the form of `/etc/services`, and no hosts.
    pub fn parse(text: &str) -> Self {
        let mut tables = Tables::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut fields = line.split_ascii_whitespace();
            let (Some(name), Some(port)) = (fields.next(), fields.next()) else {
                continue;
            };
            let Some((port, protocol)) = port.split_once('/') else {
                continue;
            };
            let (Ok(port), Some(protocol)) = (port.parse(), Protocol::from_name(protocol)) else {
                continue;
            };
            // The first one counts.
            tables
                .names
                .entry((port, protocol))
                .or_insert_with(|| name.to_owned());
            for name in std::iter::once(name).chain(fields) {
                tables
                    .ports
                    .entry((name.to_owned(), protocol))
                    .or_insert(port);
            }
        }
        let cell = OnceCell::new();
        // The cell is empty, so this cannot fail.
        let _ = cell.set(tables);
        Self {
            tables: cell,
            offline: true,
        }
    }

    fn tables(&self) -> &Tables {
        self.tables.get_or_init(|| {
            let text = std::fs::read(SERVICES).unwrap_or_default();
            let parsed = Self::parse(&String::from_utf8_lossy(&text));
            parsed.tables.into_inner().unwrap_or_default()
        })
    }

    /// The addresses of a host.
    pub fn host(&self, name: &str) -> Option<std::vec::IntoIter<SocketAddr>> {
        // What can be no name is not asked for: the resolver would take its time.
        let plausible = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if self.offline || name.is_empty() || !name.bytes().all(plausible) {
            return None;
        }
        (name, 0).to_socket_addrs().ok()
    }

    /// The port with this name.
    pub fn port(&self, name: &str, protocol: Protocol) -> Option<u16> {
        self.tables()
            .ports
            .get(&(name.to_owned(), protocol))
            .copied()
    }

    /// The name of a port.
    fn name(&self, port: u16, protocol: Protocol) -> Option<&str> {
        self.tables()
            .names
            .get(&(port, protocol))
            .map(String::as_str)
    }
}

/// How addresses and ports are shown.
pub struct Names {
    numeric: bool,
    services: Services,
    hosts: RefCell<HashMap<IpAddr, Option<String>>>,
}

impl Names {
    /// As numbers, or as names where there are any.
    pub fn new(numeric: bool) -> Self {
        Self {
            numeric,
            services: Services::default(),
            hosts: RefCell::default(),
        }
    }

    /// The name of an address, asked for once.
    fn host(&self, address: IpAddr) -> Option<String> {
        if self.numeric {
            return None;
        }
        let mut known = self.hosts.borrow_mut();
        known
            .entry(address)
            .or_insert_with(|| {
                let name = dns_lookup::lookup_addr(&address).ok()?;
                // Without a name the resolver says the address.
                (name.parse::<IpAddr>().is_err()).then_some(name)
            })
            .clone()
    }

    /// A server, whose port has the name of its service's protocol.
    pub fn put_server(&self, out: &mut String, service: &ServiceKey, key: &DestKey) {
        let protocol = match service {
            ServiceKey::Address { protocol, .. } => Protocol::of(*protocol),
            ServiceKey::Mark { .. } => None,
        };
        self.put_endpoint(out, key.family, key.addr, key.port, protocol);
    }

    /// Adds `address:port`, with brackets around IPv6.
    pub fn put_endpoint(
        &self,
        out: &mut String,
        family: Family,
        addr: Addr,
        port: u16,
        protocol: Option<Protocol>,
    ) {
        let address = ip(family, addr);
        let (open, close) = match family {
            Family::V4 => ("", ":"),
            Family::V6 => ("[", "]:"),
        };
        out.push_str(open);
        // Writing to a string does not fail.
        let _ = match self.host(address) {
            Some(name) => out.write_str(&name),
            None => write!(out, "{address}"),
        };
        out.push_str(close);
        let name = match protocol {
            Some(protocol) if !self.numeric => self.services.name(port, protocol),
            _ => None,
        };
        let _ = match name {
            Some(name) => out.write_str(name),
            None => write!(out, "{port}"),
        };
    }

    /// `address:port`, with brackets around IPv6.
    pub fn endpoint(
        &self,
        family: Family,
        addr: Addr,
        port: u16,
        protocol: Option<Protocol>,
    ) -> String {
        let mut out = String::new();
        self.put_endpoint(&mut out, family, addr, port, protocol);
        out
    }
}

/// An address as the standard library has it.
pub fn ip(family: Family, addr: Addr) -> IpAddr {
    addr.to_ip(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_port_is_shown_and_all_are_understood() {
        let services =
            Services::parse("# x\nhttp 80/tcp www # web\nweb 80/tcp\nntp 123/udp\nbad\n");
        assert_eq!(services.name(80, Protocol::Tcp), Some("http"));
        assert_eq!(services.port("www", Protocol::Tcp), Some(80));
        assert_eq!(services.port("web", Protocol::Tcp), Some(80));
        assert_eq!(services.port("http", Protocol::Udp), None);
        assert_eq!(services.port("ntp", Protocol::Udp), Some(123));
    }

    #[test]
    fn endpoints_have_brackets_around_ipv6() {
        let names = Names::new(true);
        let v6 = Addr::from(std::net::Ipv6Addr::LOCALHOST);
        assert_eq!(
            names.endpoint(Family::V6, v6, 80, Some(Protocol::Tcp)),
            "[::1]:80"
        );
        let v4 = Addr::from_v4([10, 0, 0, 1]);
        assert_eq!(names.endpoint(Family::V4, v4, 80, None), "10.0.0.1:80");
    }
}
