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
    /// The highest of these.
    pub const MAX: u16 = 25;
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
