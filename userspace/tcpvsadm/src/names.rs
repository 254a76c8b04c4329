// SPDX-License-Identifier: GPL-2.0

//! Names of hosts and ports, in both directions.

use std::net::{IpAddr, ToSocketAddrs};

use ipvs_core::addr::{Addr, Family};
use ktcpvs_core::config::{Host, Place, Port};
use ktcpvs_core::message::Endpoint;

/// Where Linux keeps the names of ports.
const SERVICES: &str = "/etc/services";

/// An address as the library has it.
pub fn addr_of(ip: IpAddr) -> (Family, Addr) {
    match ip {
        IpAddr::V4(ip) => (Family::V4, Addr::from_v4(ip.octets())),
        IpAddr::V6(ip) => (Family::V6, Addr::from_v6(ip.octets())),
    }
}

fn ip_of(family: Family, addr: Addr) -> IpAddr {
    match family {
        Family::V4 => addr.v4().into(),
        Family::V6 => addr.octets().into(),
    }
}

/// The address of a host.
pub fn host(host: &Host<'_>) -> Option<(Family, Addr)> {
    match host {
        Host::Addr(family, addr) => Some((*family, *addr)),
        Host::Name(name) => {
            let name = std::str::from_utf8(name).ok()?;
            let found = (name, 0).to_socket_addrs().ok()?.next()?;
            Some(addr_of(found.ip()))
        }
    }
}

/// The number of a port.
pub fn port(port: &Port<'_>) -> Option<u16> {
    match port {
        Port::Number(number) => Some(*number),
        Port::Name(name) => {
            let name = std::str::from_utf8(name).ok()?;
            services(|found, _| found == name).map(|(_, number)| number)
        }
    }
}

/// An address and a port; where there is none, `default`.
pub fn endpoint(place: &Place<'_>, default: u16) -> Option<Endpoint> {
    let (family, addr) = host(&place.host)?;
    let port = place.port.as_ref().map_or(Some(default), port)?;
    Some(Endpoint { family, addr, port })
}

/// The first port over TCP for which `is_it` holds, of those that have names.
fn services(is_it: impl Fn(&str, u16) -> bool) -> Option<(String, u16)> {
    let text = std::fs::read_to_string(SERVICES).ok()?;
    text.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let name = words.next()?;
        let (number, protocol) = words.next()?.split_once('/')?;
        let number = number.parse().ok()?;
        let mut names = std::iter::once(name).chain(words);
        let is_it = protocol == "tcp" && names.any(|name| is_it(name, number));
        is_it.then(|| (name.to_owned(), number))
    })
}

/// An address and a port as people read them: with names, or without.
#[derive(Clone, Debug)]
pub struct Shown {
    at: Endpoint,
    host: Option<String>,
    port: Option<String>,
}

impl Shown {
    /// With names, if `numeric` does not say otherwise.
    pub fn new(at: Endpoint, numeric: bool) -> Self {
        if numeric {
            return Self {
                at,
                host: None,
                port: None,
            };
        }
        let ip = ip_of(at.family, at.addr);
        // Nobody has a name for this one, and to ask takes as long as the resolver waits.
        let host = match ip.is_unspecified() {
            true => None,
            false => dns_lookup::lookup_addr(&ip).ok(),
        };
        Self {
            at,
            host: host.filter(|host| host.parse::<IpAddr>().is_err()),
            port: services(|_, number| number == at.port).map(|(name, _)| name),
        }
    }

    /// The same as a configuration file has it.
    pub fn place(&self) -> Place<'_> {
        Place {
            host: match &self.host {
                Some(name) => Host::Name(name.as_bytes()),
                None => Host::Addr(self.at.family, self.at.addr),
            },
            port: Some(match &self.port {
                Some(name) => Port::Name(name.as_bytes()),
                None => Port::Number(self.at.port),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_endpoints() {
        let place = Place::parse(b"10.0.0.1:80").unwrap();
        let at = endpoint(&place, 8080).unwrap();
        assert_eq!((at.addr.v4(), at.port), ([10, 0, 0, 1], 80));
        let place = Place::parse(b"[::1]").unwrap();
        let at = endpoint(&place, 8080).unwrap();
        assert_eq!((at.family, at.port), (Family::V6, 8080));
        assert!(endpoint(&Place::parse(b"10.0.0.1:nosuchport").unwrap(), 1).is_none());
    }
}
