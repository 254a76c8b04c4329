// SPDX-License-Identifier: GPL-2.0

//! Connections, to the byte as 1.31 shows them.

use ipvs_netlink::Side;

use crate::connections::Connection;
use crate::names::{Names, Protocol};

/// The lines above connections.
pub fn header(engines: bool) -> &'static str {
    if engines {
        "IPVS connection entries\npro expire state       source             virtual            destination        pe name          pe_data\n"
    } else {
        "IPVS connection entries\npro expire state       source             virtual            destination\n"
    }
}

/// The line of a connection.
pub fn line(names: &Names, connection: &Connection, engines: bool) -> String {
    let protocol = match connection.protocol.as_str() {
        "TCP" => Some(Protocol::Tcp),
        "UDP" => Some(Protocol::Udp),
        "SCTP" => Some(Protocol::Sctp),
        _ => None,
    };
    let name = |side: &Side| names.endpoint(side.family, side.addr, side.port, protocol);
    let service = name(&connection.service);
    let minutes = connection.expires / 60;
    let seconds = connection.expires % 60;
    let mut out = format!(
        "{:<3} {minutes:02}:{seconds:02}  {:<11} {:<18} {service:<18} ",
        connection.protocol,
        connection.state,
        name(&connection.client),
    );
    match (&connection.engine, engines) {
        (Some((engine, data)), true) => {
            out.push_str(&format!(
                "{:<18} {engine:<16} {data}\n",
                name(&connection.server)
            ));
        }
        _ => out.push_str(&format!("{}\n", name(&connection.server))),
    }
    out
}
