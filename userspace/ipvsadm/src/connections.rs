// SPDX-License-Identifier: GPL-2.0

//! Connections, as the kernel lists them in `/proc/net/ip_vs_conn` or tells them by netlink.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipvs_netlink::{Addr, ConnectionFilter, Family, Protocol, Side, SideFilter};

/// Where the kernel lists connections.
pub const FILE: &str = "/proc/net/ip_vs_conn";

/// A connection or a persistence template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The name of the protocol; `IP` for templates of firewall marks.
    pub protocol: String,
    /// The client.
    pub client: Side,
    /// The virtual service.
    pub service: Side,
    /// The real server.
    pub server: Side,
    /// The state of the protocol.
    pub state: String,
    /// The time it has left, in seconds.
    pub expires: u64,
    /// The persistence engine and its data.
    pub engine: Option<(String, String)>,
}

impl Connection {
    /// Whether this is a persistence template, which stands for a client and not for a connection.
    pub fn is_template(&self) -> bool {
        self.client.port == 0
    }
}

/// Reads the kernel's list; lines that are not understood are left out.
pub fn parse(text: &str) -> Vec<Connection> {
    text.lines().skip(1).filter_map(line).collect()
}

/// Reads a line of the kernel's list.
pub fn line(text: &str) -> Option<Connection> {
    let mut fields = text.split_ascii_whitespace();
    let protocol = fields.next()?.to_owned();
    let mut side = || -> Option<Side> {
        let address = fields.next()?;
        let port = u16::from_str_radix(fields.next()?, 16).ok()?;
        let (family, addr) = address_of(address)?;
        Some(Side::new(family, addr, port))
    };
    let (client, service, server) = (side()?, side()?, side()?);
    let state = fields.next()?.to_owned();
    let expires = fields.next()?.parse().ok()?;
    let engine = fields
        .next()
        .map(|name| (name.to_owned(), fields.collect::<Vec<_>>().join(" ")));
    Some(Connection {
        protocol,
        client,
        service,
        server,
        state,
        expires,
        engine,
    })
}

/// An address as the file has it: eight hexadecimal digits, or IPv6.
fn address_of(text: &str) -> Option<(Family, Addr)> {
    if text.len() == 8 && !text.contains(':') {
        let address = Ipv4Addr::from(u32::from_str_radix(text, 16).ok()?);
        return Some((Family::V4, Addr::from_v4(address.octets())));
    }
    // Some kernels put brackets around it.
    let text = text.trim_start_matches('[').trim_end_matches(']');
    let address: Ipv6Addr = text.parse().ok()?;
    Some((Family::V6, Addr::from_v6(address.octets())))
}

/// The protocols by name, as the kernel's list has them; `IP` is that of templates of marks.
const PROTOCOLS: [(&str, u16); 6] = [
    ("IP", 0),
    ("TCP", 6),
    ("UDP", 17),
    ("ESP", 50),
    ("AH", 51),
    ("SCTP", 132),
];

/// The number of a protocol, given by name or number.
///
/// # Errors
///
/// What would be right.
pub fn protocol_number(name: &str) -> Result<u16, String> {
    PROTOCOLS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or_else(|| name.parse().ok(), |(_, number)| Some(*number))
        .ok_or_else(|| "tcp, udp, sctp, ah, esp or a number".to_owned())
}

/// The states that connections of some protocol have, as the kernel's list has them.
#[rustfmt::skip]
pub const STATES: [&str; 24] = [
    // TCP; NONE also of templates.
    "NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "SYNACK",
    "UDP",
    // SCTP.
    "INIT1", "INIT", "C-SENT", "C-REPLIED", "C-WAIT", "COOKIE", "C-ECHOED", "S-SENT", "S-RECEIVED", "S-ACK-SENT", "REJECTED", "CLOSED",
];

/// A state by its name, in capitals or not.
///
/// # Errors
///
/// What would be right.
pub fn state(name: &str) -> Result<String, String> {
    let name = name.to_uppercase();
    match STATES.contains(&name.as_str()) {
        true => Ok(name),
        false => Err(crate::remark::none_of(&name, STATES)),
    }
}

impl From<ipvs_netlink::Connection> for Connection {
    fn from(told: ipvs_netlink::Connection) -> Self {
        let known = PROTOCOLS
            .iter()
            .find(|(_, number)| *number == told.protocol.number());
        Self {
            protocol: known
                .map_or_else(|| told.protocol.to_string(), |(name, _)| (*name).to_owned()),
            client: told.client,
            service: told.service,
            server: told.server,
            state: told.state,
            expires: u64::from(told.expires),
            engine: told
                .engine
                .map(|(name, data)| (name, String::from_utf8_lossy(&data).into_owned())),
        }
    }
}

/// The address of a side as the standard library has it.
pub fn ip(side: &Side) -> IpAddr {
    crate::names::ip(side.family, side.addr)
}

/// What connections are wanted; what is not given fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The number of the protocol.
    pub protocol: Option<u16>,
    /// The client's address, and its port if given.
    pub client: Option<Match>,
    /// The virtual address.
    pub service: Option<Match>,
    /// The real server's address.
    pub server: Option<Match>,
    /// The state.
    pub state: Option<String>,
}

/// An address or all addresses with a prefix, with a port or any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The address.
    pub ip: IpAddr,
    /// So many bits of it count; [`None`] for all.
    pub prefix: Option<u8>,
    /// The port.
    pub port: Option<u16>,
}

/// Whether the first bits of two addresses are the same.
fn same_prefix(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let all_but = |width: u32| width.saturating_sub(u32::from(bits));
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let differ = u32::from(one) ^ u32::from(other);
            differ.checked_shr(all_but(32)).unwrap_or(0) == 0
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let differ = u128::from(one) ^ u128::from(other);
            differ.checked_shr(all_but(128)).unwrap_or(0) == 0
        }
        _ => false,
    }
}

impl Match {
    /// All addresses with a prefix, as `10.0.0.0/8`.
    fn with_prefix(text: &str) -> Option<Self> {
        let (ip, bits) = text.split_once('/')?;
        let (ip, bits) = (ip.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
        let most = if ip.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Self {
            ip,
            prefix: Some(bits),
            port: None,
        })
    }

    fn told(self) -> SideFilter {
        SideFilter::new(self.ip, self.port)
    }

    fn fits(&self, side: &Side) -> bool {
        let is_near = match self.prefix {
            Some(bits) => same_prefix(self.ip, ip(side), bits),
            None => self.ip == ip(side),
        };
        is_near && self.port.is_none_or(|port| port == side.port)
    }
}

impl std::str::FromStr for Match {
    type Err = String;

    /// Reads `10.0.0.1`, `10.0.0.1:80`, `10.0.0.0/8`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80` or `2001:db8::/32`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let v6 = bare.map(|text| text.parse().map(IpAddr::V6));
        if let Ok(ip) = v6.unwrap_or_else(|| text.parse()) {
            return Ok(Self {
                ip,
                prefix: None,
                port: None,
            });
        }
        if let Some(found) = Self::with_prefix(text) {
            return Ok(found);
        }
        match text.parse::<std::net::SocketAddr>() {
            Ok(found) => Ok(Self {
                ip: found.ip(),
                prefix: None,
                port: Some(found.port()),
            }),
            Err(_) => Err(
                "an address, with :PORT if need be, or a prefix: 10.0.0.1:80, 10.0.0.0/8"
                    .to_owned(),
            ),
        }
    }
}

impl Filter {
    /// Whether it has a prefix, which the kernel does not look for.
    pub fn has_prefix(&self) -> bool {
        let sides = [&self.client, &self.service, &self.server];
        sides
            .into_iter()
            .flatten()
            .any(|side| side.prefix.is_some())
    }

    /// The same for the kernel, without prefixes.
    pub fn told(&self) -> ConnectionFilter {
        let told = |side: Option<Match>| side.filter(|one| one.prefix.is_none()).map(Match::told);
        let mut filter = ConnectionFilter::default();
        filter.protocol = self.protocol.map(Protocol::new);
        filter.client = told(self.client);
        filter.service = told(self.service);
        filter.server = told(self.server);
        filter.state = self.state.as_ref().map(|state| state.to_uppercase());
        filter
    }

    /// Whether a connection is wanted.
    pub fn fits(&self, connection: &Connection) -> bool {
        let protocol = protocol_number(&connection.protocol).ok();
        let state = self.state.as_ref();
        let at = |wanted: &Option<Match>, side: &Side| {
            wanted.as_ref().is_none_or(|wanted| wanted.fits(side))
        };
        (self.protocol.is_none() || self.protocol == protocol)
            && state.is_none_or(|state| state.eq_ignore_ascii_case(&connection.state))
            && at(&self.client, &connection.client)
            && at(&self.service, &connection.service)
            && at(&self.server, &connection.server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `cat /proc/net/ip_vs_conn` showed it.
    const SEEN: &str = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A630001 B86E 0A630001 0051 0A630002 1F40 CLOSE_WAIT       56
TCP 2001:0db8:0000:0000:0000:0000:0000:0001 B86E 2001:0db8:0000:0000:0000:0000:0000:0002 0050 0A630002 1F40 ESTABLISHED     899
UDP 0A630000 0000 0A630001 13C4 0A630002 13C4 NONE             50 sip abc@example
";

    #[test]
    fn reads_what_the_kernel_lists() {
        let found = parse(SEEN);
        assert_eq!(found.len(), 3);
        assert_eq!(ip(&found[0].client).to_string(), "10.99.0.1");
        assert_eq!((found[0].service.port, found[0].expires), (81, 56));
        assert_eq!(ip(&found[1].service).to_string(), "2001:db8::2");
        assert_eq!(
            found[2].engine,
            Some(("sip".to_owned(), "abc@example".to_owned()))
        );
        assert!(found[2].is_template() && !found[0].is_template());
    }

    #[test]
    fn filters_fit_addresses_ports_and_states() {
        let found = parse(SEEN);
        let count = |filter: &Filter| found.iter().filter(|one| filter.fits(one)).count();
        assert_eq!(count(&Filter::default()), 3);
        assert_eq!(
            count(&Filter {
                protocol: protocol_number("tcp").ok(),
                ..Filter::default()
            }),
            2
        );
        let server = "10.99.0.2:8000".parse().ok();
        assert_eq!(
            count(&Filter {
                server,
                ..Filter::default()
            }),
            2
        );
        let client = "2001:db8::1".parse().ok();
        assert_eq!(
            count(&Filter {
                client,
                ..Filter::default()
            }),
            1
        );
    }

    #[test]
    fn what_is_typed_is_understood_or_refused() {
        let port = |text: &str| text.parse::<Match>().map(|found| found.port).ok();
        assert_eq!(port("10.0.0.1"), Some(None));
        assert_eq!(port("10.0.0.1:80"), Some(Some(80)));
        assert_eq!(port("2001:db8::1"), Some(None));
        assert_eq!(port("[2001:db8::1]"), Some(None));
        assert_eq!(port("[2001:db8::1]:80"), Some(Some(80)));
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.0.0.1/32", "10.0.0.1", "10.0.0.2"),
            ("0.0.0.0/0", "255.1.1.1", "2001:db8::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
        ] {
            let side = |text: &str| {
                let (family, addr) = match text.parse::<IpAddr>().unwrap() {
                    IpAddr::V4(ip) => (Family::V4, Addr::from_v4(ip.octets())),
                    IpAddr::V6(ip) => (Family::V6, Addr::from_v6(ip.octets())),
                };
                Side::new(family, addr, 1)
            };
            let found = text.parse::<Match>().unwrap();
            assert!(
                found.fits(&side(inside)) && !found.fits(&side(outside)),
                "{text}"
            );
        }
        for wrong in [
            "10.0.0.0/33",
            "10.0.0.0/",
            "x/8",
            "10.0.0.1:x",
            "[10.0.0.1]",
            "",
            "[]",
            "web:80",
        ] {
            assert_eq!(port(wrong), None, "{wrong}");
        }
        assert_eq!(protocol_number("esp"), Ok(50));
        assert_eq!(protocol_number("132"), Ok(132));
        assert!(protocol_number("tpc").is_err());
    }
}
