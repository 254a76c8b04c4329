// SPDX-License-Identifier: GPL-2.0

//! The entry that connection tracking has for a connection.

use knet::netfilter::conntrack::Tuple;

use super::Conn;
use crate::model::family::netfilter_family;

/// The original direction of a connection's entry: client to virtual address.
pub(super) fn entry(conn: &Conn) -> Tuple {
    Tuple {
        family: netfilter_family(conn.family),
        protocol: conn.protocol,
        source: conn.client.octets(),
        source_port: conn.client_port,
        destination: conn.virtual_addr.octets(),
        destination_port: conn.virtual_port,
    }
}
