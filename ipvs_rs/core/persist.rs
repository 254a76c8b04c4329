// SPDX-License-Identifier: GPL-2.0

//! Persistence: the connections of one client go to one server.
//!
//! A persistent service remembers the server of a client in a *template*, which is an entry of the
//! connection table to which no packet belongs. The tuple of the template decides which clients
//! share a server, and for which ports. A service may have a *persistence engine*: the template then
//! has data that the engine finds in the packets, too, and clients share it that send the same data.

use crate::addr::{Addr, Family};
use crate::config::{Netmask, ServiceKey};
use crate::flow::{Flow, Tuple};
use crate::plan::lookup::FTP;

/// The connections that share a server with the connection of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The tuple under which the template lies in the connection table.
    pub template: Tuple,
    /// Whether the packet goes to the port of the service, so that the port of the server is used.
    to_service_port: bool,
    /// The destination port of the packet, in host order.
    port: u16,
}

impl Group {
    /// The group of a packet of `service`. It holds the connections of the same client:
    ///
    /// - to the same address, port and protocol, if the packet goes to the port of the service. The
    ///   FTP port is an exception: its group is that of all ports.
    /// - to all addresses, ports and protocols, if the service has a firewall mark. The template has
    ///   protocol 0, and the mark in place of the virtual address.
    /// - to all ports of the same address and protocol otherwise.
    pub fn new(flow: &Flow, service: &ServiceKey, netmask: Netmask) -> Self {
        let service_port = match *service {
            ServiceKey::Address { port, .. } => port,
            ServiceKey::Mark { .. } => 0,
        };
        let to_service_port = flow.dport == service_port;
        let (protocol, dst, dport) = match *service {
            _ if to_service_port && service_port != FTP => (flow.protocol, flow.dst, service_port),
            ServiceKey::Mark { mark, .. } => (0, Addr::from_v4(mark.to_be_bytes()), 0),
            ServiceKey::Address { .. } => (flow.protocol, flow.dst, 0),
        };
        Self {
            template: Tuple {
                src: masked(flow.src, flow.family, netmask),
                dst,
                sport: 0,
                dport,
                protocol,
                family: flow.family,
            },
            to_service_port,
            port: flow.dport,
        }
    }

    /// The port of the server in the template; 0 if the template is for several ports.
    pub const fn template_port(&self, server_port: u16) -> u16 {
        match self.to_service_port && self.port != FTP {
            true => server_port,
            false => 0,
        }
    }

    /// The port of the server in the connection of the packet.
    pub const fn connection_port(&self, server_port: u16) -> u16 {
        match self.to_service_port && server_port != 0 {
            true => server_port,
            false => self.port,
        }
    }
}

/// The address that all clients have in common which are one client under `netmask`.
fn masked(addr: Addr, family: Family, netmask: Netmask) -> Addr {
    match family {
        Family::V4 => {
            let client = u32::from_ne_bytes(addr.v4()) & u32::from_ne_bytes(netmask.0);
            Addr::from_v4(client.to_ne_bytes())
        }
        Family::V6 => {
            let others = 128_u32.saturating_sub(u32::from_ne_bytes(netmask.0));
            let mask = u128::MAX.checked_shl(others).unwrap_or(0);
            Addr::from_v6((u128::from_be_bytes(addr.octets()) & mask).to_be_bytes())
        }
    }
}

/// The state of a template's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateServer {
    /// Whether the server was not deleted.
    pub is_available: bool,
    /// Whether the server has weight 0, so that it gets no new clients.
    pub is_quiesced: bool,
}

/// Whether a template still leads to its server.
///
/// An overloaded server keeps its clients. A quiesced server keeps them too, unless the sysctl
/// `expire_quiescent_template` is set.
pub const fn is_valid(server: TemplateServer, expire_quiescent: bool) -> bool {
    server.is_available && !(expire_quiescent && server.is_quiesced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Fragment;
    use crate::proto::{TCP, UDP};
    use proptest::prelude::*;

    const CLIENT: [u8; 4] = [10, 0, 1, 130];
    const VIRTUAL: [u8; 4] = [192, 0, 2, 1];

    fn flow(protocol: u8, dport: u16) -> Flow {
        Flow {
            family: Family::V4,
            protocol,
            fragment: Fragment::Whole,
            src: Addr::from_v4(CLIENT),
            dst: Addr::from_v4(VIRTUAL),
            sport: 40000,
            dport,
            transport: 20,
        }
    }

    fn address(port: u16) -> ServiceKey {
        ServiceKey::Address {
            family: Family::V4,
            protocol: TCP.into(),
            addr: Addr::from_v4(VIRTUAL),
            port,
        }
    }

    const MARK: ServiceKey = ServiceKey::Mark {
        family: Family::V4,
        mark: 10,
    };
    const ONE: Netmask = Netmask([255; 4]);

    #[test]
    fn templates_are_found_under_these_ends() {
        let (here, marked) = (VIRTUAL, [0, 0, 0, 10]);
        for (service, protocol, port, expected) in [
            (address(80), TCP, 80, (TCP, here, 80)),
            (address(21), TCP, 21, (TCP, here, 0)),
            (address(21), TCP, 30000, (TCP, here, 0)),
            (address(21), TCP, 20, (TCP, here, 0)),
            (address(0), TCP, 80, (TCP, here, 0)),
            (address(0), TCP, 21, (TCP, here, 0)),
            (address(0), TCP, 0, (TCP, here, 0)),
            (MARK, TCP, 80, (0, marked, 0)),
            (MARK, UDP, 53, (0, marked, 0)),
            (MARK, TCP, 21, (0, marked, 0)),
            (MARK, TCP, 0, (TCP, here, 0)),
        ] {
            let template = Group::new(&flow(protocol, port), &service, ONE).template;
            let found = (template.protocol, template.dst.v4(), template.dport);
            assert_eq!(found, expected, "{service:?} {port}");
            assert_eq!((template.src.v4(), template.sport), (CLIENT, 0));
        }
    }

    #[test]
    fn the_ports_of_servers_count_at_the_port_of_the_service() {
        // (service, port of the packet, port of the server, of the template, of the connection)
        for (service, port, server, template, connection) in [
            (address(80), 80, 8080, 8080, 8080),
            (address(80), 80, 0, 0, 80),
            (address(21), 21, 2121, 0, 2121),
            (address(21), 30000, 2121, 0, 30000),
            (address(0), 80, 8080, 0, 80),
            (address(0), 80, 0, 0, 80),
            (address(0), 0, 8080, 8080, 8080),
            (MARK, 80, 8080, 0, 80),
            (MARK, 0, 8080, 8080, 8080),
        ] {
            let group = Group::new(&flow(TCP, port), &service, ONE);
            let found = (group.template_port(server), group.connection_port(server));
            assert_eq!(
                found,
                (template, connection),
                "{service:?} {port} to {server}"
            );
        }
    }

    #[test]
    fn a_netmask_makes_one_client_of_many() {
        for (mask, client) in [
            ([255, 255, 255, 255], CLIENT),
            ([255, 255, 255, 192], [10, 0, 1, 128]),
            ([255, 255, 255, 0], [10, 0, 1, 0]),
            ([0, 0, 0, 0], [0, 0, 0, 0]),
            ([0, 0, 0, 255], [0, 0, 0, 130]),
        ] {
            let group = Group::new(&flow(TCP, 80), &address(80), Netmask(mask));
            assert_eq!(group.template.src.v4(), client);
        }
    }

    #[test]
    fn templates_lead_to_servers_that_are_there() {
        for (is_available, is_quiesced, expire_quiescent, expected) in [
            (true, false, false, true),
            (true, false, true, true),
            (true, true, false, true),
            (true, true, true, false),
            (false, false, false, false),
            (false, true, true, false),
        ] {
            let server = TemplateServer {
                is_available,
                is_quiesced,
            };
            assert_eq!(is_valid(server, expire_quiescent), expected, "{server:?}");
        }
    }

    proptest! {
        #[test]
        fn a_prefix_keeps_the_first_bits(octets in any::<[u8; 16]>(), bits in 1_u32..=128) {
            let mask = Netmask(bits.to_ne_bytes());
            let found = masked(Addr::from_v6(octets), Family::V6, mask).octets();
            for bit in 0..128 {
                let of = |octets: [u8; 16]| (octets[bit / 8] >> (7 - bit % 8)) & 1;
                let kept = (bit as u32) < bits;
                prop_assert_eq!(of(found), if kept { of(octets) } else { 0 });
            }
        }

        #[test]
        fn any_number_is_a_prefix(octets in any::<[u8; 16]>(), bits in any::<u32>()) {
            let mask = Netmask(bits.to_ne_bytes());
            let found = masked(Addr::from_v6(octets), Family::V6, mask);
            prop_assert!(bits != 0 || found.is_zero());
            prop_assert!(bits < 128 || found.octets() == octets);
        }
    }
}
