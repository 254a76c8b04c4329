// SPDX-License-Identifier: GPL-2.0

//! The entry that connection tracking has for a connection.

use ipvs_core::addr::Family;
use knet::netfilter::{self, conntrack::Tuple};

use super::Conn;

/// The entry of a connection.
pub(super) fn entry(conn: &Conn) -> Tuple {
    Tuple {
        family: match conn.family {
            Family::V4 => netfilter::Family::V4,
            Family::V6 => netfilter::Family::V6,
        },
        protocol: conn.protocol,
        source: conn.client.octets(),
        source_port: conn.client_port,
        destination: conn.virtual_addr.octets(),
        destination_port: conn.virtual_port,
    }
}
