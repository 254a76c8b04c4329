// SPDX-License-Identifier: GPL-2.0

//! What the family has here and not in the C module, as in `include/uapi/ipvs_rs.h`, which says
//! what is in which message.

/// The multicast group of [`EVENT`](command::EVENT).
pub const GROUP: &str = "monitor";

/// Commands.
pub mod command {
    /// To the group: something was changed.
    pub const EVENT: u8 = 64;
    /// Asks for connections; answered with [`NEW_CONN`].
    pub const GET_CONN: u8 = 65;
    /// A connection; nobody may send it.
    pub const NEW_CONN: u8 = 66;
    /// Ends connections; answered with their number.
    pub const DEL_CONN: u8 = 67;
    /// Replaces services with their servers, all at one moment.
    pub const APPLY: u8 = 68;
    /// Asks for saved connections; answered with itself.
    pub const SAVE_CONN: u8 = 69;
    /// Makes saved connections again; answered with what became of them.
    pub const RESTORE_CONN: u8 = 70;
    /// Replaces the keys of the synchronisation daemons.
    pub const SET_SYNC_KEYS: u8 = 71;
    /// Replaces the peers of the synchronisation daemons.
    pub const SET_SYNC_PEERS: u8 = 72;
    /// Asks for the state of the synchronisation daemons; answered with itself.
    pub const GET_SYNC: u8 = 73;
}

/// Attributes at the top of a message, besides those of [`top`](super::top).
pub mod top {
    /// Nest of [`conn`](super::conn) attributes.
    pub const CONN: u16 = 16;
    /// u32: [`ALL`](super::ALL).
    pub const FLAGS: u16 = 17;
    /// u32: how many.
    pub const COUNT: u16 = 18;
    /// u32: an [`action`](super::action).
    pub const ACTION: u16 = 19;
    /// u32: bit `n` for attribute `n`.
    pub const CHANGED: u16 = 20;
    /// u32: the netlink port of the socket that asked.
    pub const PORTID: u16 = 21;
    /// String: a sysctl.
    pub const SETTING: u16 = 22;
    /// String: what the file of the sysctl says.
    pub const VALUE: u16 = 23;
    /// A datagram of version 1 of the synchronisation daemons, at most [`ENTRIES_MAX`](super::ENTRIES_MAX) bytes.
    pub const ENTRIES: u16 = 24;
    /// Nest of [`outcome`](super::outcome) attributes, one for each effect that an entry had.
    pub const OUTCOME: u16 = 25;
    /// u8: an [`authentication`](super::authentication).
    pub const AUTHENTICATION: u16 = 26;
    /// Nest of [`key`](super::key) attributes, one for each key.
    pub const KEY: u16 = 27;
    /// 4 or 16 bytes: the address of another director, one for each.
    pub const PEER: u16 = 28;
    /// Nest of [`master`](super::master) attributes, one for each stream of a master.
    pub const MASTER: u16 = 29;
    /// Nest of [`outcome`](super::outcome) attributes, one for each kind of event.
    pub const EVENTS: u16 = 30;
    /// The highest of these.
    pub const MAX: u16 = 30;
}

/// In [`top::FLAGS`]: everything, not only what the request names.
pub const ALL: u32 = 1;

/// The length of [`top::ENTRIES`] at most.
pub const ENTRIES_MAX: i16 = i16::MAX;

/// Attributes of an effect.
pub mod outcome {
    /// String: as the file `ip_vs_sync` names it.
    pub const NAME: u16 = 1;
    /// u32: the number of entries.
    pub const COUNT: u16 = 2;
    /// u64: the number of events since the namespace began.
    pub const TOTAL: u16 = 3;
}

/// What daemons ask of the datagrams of other directors.
pub mod authentication {
    /// Nothing.
    pub const OFF: u8 = 0;
    /// No wrong code.
    pub const OPTIONAL: u8 = 1;
    /// A right code.
    pub const REQUIRED: u8 = 2;
}

/// Attributes of a key.
pub mod key {
    /// u8: the number in the datagrams.
    pub const NUMBER: u16 = 1;
    /// The secret, [`SECRET_MIN`] to [`SECRET_MAX`] bytes. Only in a request.
    pub const SECRET: u16 = 2;
    /// The length of the shortest secret, in bytes.
    pub const SECRET_MIN: u16 = 16;
    /// The length of the longest secret, in bytes.
    pub const SECRET_MAX: u16 = 128;
}

/// Attributes of a stream of a master that a backup hears.
pub mod master {
    /// 4 or 16 bytes: the address that its datagrams come from.
    pub const ADDR: u16 = 1;
    /// u16: the number of the master's thread.
    pub const STREAM: u16 = 2;
    /// u32: the second in which this run of the master began, since 1970.
    pub const EPOCH: u16 = 3;
    /// u8: 1 if all connections that the master had are on the backup, 0 before.
    pub const COMPLETE: u16 = 4;
    /// u32: the number of datagrams that are missing.
    pub const MISSING: u16 = 5;
    /// u32: the milliseconds since its last message.
    pub const SILENCE: u16 = 6;
}

/// What was done.
pub mod action {
    /// Added.
    pub const NEW: u32 = 1;
    /// Changed.
    pub const SET: u32 = 2;
    /// Deleted.
    pub const DEL: u32 = 3;
    /// All services were deleted.
    pub const FLUSH: u32 = 4;
    /// Counters were set to 0.
    pub const ZERO: u32 = 5;
}

/// Attributes of a connection.
pub mod conn {
    /// u16: 2 or 10.
    pub const FAMILY: u16 = 1;
    /// u16: the transport protocol.
    pub const PROTOCOL: u16 = 2;
    /// 4 or 16 bytes.
    pub const CLIENT_ADDR: u16 = 3;
    /// u16 in network order.
    pub const CLIENT_PORT: u16 = 4;
    /// 4 or 16 bytes.
    pub const VIRTUAL_ADDR: u16 = 5;
    /// u16 in network order.
    pub const VIRTUAL_PORT: u16 = 6;
    /// 4 or 16 bytes.
    pub const SERVER_ADDR: u16 = 7;
    /// u16 in network order.
    pub const SERVER_PORT: u16 = 8;
    /// String: the name of the state.
    pub const STATE: u16 = 9;
    /// u16: 2 or 10.
    pub const SERVER_FAMILY: u16 = 10;
    /// u32: see [`ConnFlags`](crate::conn::ConnFlags).
    pub const FLAGS: u16 = 11;
    /// u32: seconds until the end without packets.
    pub const EXPIRES: u16 = 12;
    /// u32: packets from the client.
    pub const IN_PACKETS: u16 = 13;
    /// String: the persistence engine.
    pub const PE_NAME: u16 = 14;
    /// What that knows the client by.
    pub const PE_DATA: u16 = 15;
}
