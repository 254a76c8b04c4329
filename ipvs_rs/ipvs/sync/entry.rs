// SPDX-License-Identifier: GPL-2.0

//! What is told of a connection: to other directors, and to who saves the connections.

use ipvs_core::{
    conn::ConnFlags,
    sync::{Entry, Saved, Version, Writer},
};
use knet::time::{Jiffies, HZ};

use crate::model::conn::{condition::Condition, Conn};

/// The entry about a connection in this condition, for other directors.
///
/// One about a connection that has ended lets that of a C backup end in a second.
pub(super) fn told(conn: &Conn, condition: Condition) -> Entry<'_> {
    let (flags, timeout) = match condition.flags().has(ConnFlags::ENDED) {
        true => (condition.flags().with(ConnFlags::INACTIVE), 1),
        false => (condition.flags(), conn.timeout_seconds()),
    };
    Entry {
        family: conn.family,
        // A daemon does not start while a server has another family than its service.
        server_family: conn.family,
        protocol: conn.protocol,
        flags: flags.told(),
        state: condition.state(),
        client: conn.client,
        virtual_addr: conn.virtual_addr,
        server: conn.server,
        client_port: conn.client_port,
        virtual_port: conn.virtual_port,
        server_port: conn.listed_port(),
        mark: conn.mark,
        timeout,
        sequence: None,
        engine: conn.engine_data(),
        saved: Saved::default(),
    }
}

/// The same with the template that controls the connection; and with the rest of the connection's time, for a director that wants
/// all connections.
pub(super) fn told_whole(conn: &Conn, condition: Condition, is_of_bulk: bool) -> Entry<'_> {
    Entry {
        saved: Saved {
            rest: is_of_bulk.then(|| rest(conn)),
            controller: conn.controlling_template(),
            is_end: condition.flags().has(ConnFlags::ENDED),
            ..Saved::default()
        },
        ..told(conn, condition)
    }
}

/// The time that is left of a connection, in seconds. One with less than a second left is not over yet.
fn rest(conn: &Conn) -> u32 {
    let rest = conn.remaining(Jiffies::now()).div_ceil(HZ);
    u32::try_from(rest).unwrap_or(u32::MAX)
}

/// The entry about a connection, to make the same connection from it later.
///
/// Returns [`None`] for a template that no further connection may use, and for a connection of one packet: nobody would miss them.
pub(super) fn saved(conn: &Conn) -> Option<Entry<'_>> {
    let condition = conn.condition();
    if conn.is_invalidated() || condition.flags().has(ConnFlags::ONE_PACKET) {
        return None;
    }
    Some(Entry {
        server_family: conn.dest.key.family,
        saved: Saved {
            rest: Some(rest(conn)),
            packets: Some(conn.packets()),
            controller: conn.controlling_template(),
            is_end: false,
        },
        ..told(conn, condition)
    })
}

/// Writes a datagram of version 1 with the saved entry about a connection to `room`.
///
/// Returns [`None`] for a connection that is not saved: see [`saved`].
pub(crate) fn save<'a>(conn: &Conn, room: &'a mut [u8]) -> Option<&'a [u8]> {
    let limit = room.len();
    let mut writer = Writer::new(room, limit, Version::V1, 0)?;
    writer.push(&saved(conn)?).ok()?;
    Some(writer.finish())
}
