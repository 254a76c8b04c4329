// SPDX-License-Identifier: GPL-2.0

//! Numbers that user space knows: the generic netlink family `KTCPVS`, as in `include/uapi/ktcpvs.h`, which says what is in which
//! message.

/// The name of the generic netlink family.
pub const FAMILY_NAME: &str = "KTCPVS";
/// The version of the generic netlink family.
pub const FAMILY_VERSION: u8 = 1;
/// The multicast group of [`EVENT`](command::EVENT).
pub const GROUP: &str = "monitor";
/// The version of KTCPVS: 1.0.0.
pub const VERSION: u32 = 0x01_00_00;

/// Commands of the family.
pub mod command {
    /// Adds a service.
    pub const NEW_SERVICE: u8 = 1;
    /// Changes a service.
    pub const SET_SERVICE: u8 = 2;
    /// Deletes a service.
    pub const DEL_SERVICE: u8 = 3;
    /// Asks for one service or all; answered with [`NEW_SERVICE`].
    pub const GET_SERVICE: u8 = 4;
    /// Adds a server to a service.
    pub const NEW_SERVER: u8 = 5;
    /// Changes a server.
    pub const SET_SERVER: u8 = 6;
    /// Deletes a server.
    pub const DEL_SERVER: u8 = 7;
    /// Asks for the servers of a service; answered with [`NEW_SERVER`].
    pub const GET_SERVER: u8 = 8;
    /// Adds a rule to a service.
    pub const NEW_RULE: u8 = 9;
    /// Deletes a rule.
    pub const DEL_RULE: u8 = 10;
    /// Asks for the rules of a service; answered with [`NEW_RULE`].
    pub const GET_RULE: u8 = 11;
    /// Deletes all services.
    pub const FLUSH: u8 = 12;
    /// Starts a service.
    pub const START: u8 = 13;
    /// Stops a service.
    pub const STOP: u8 = 14;
    /// Asks for the version; answered with itself.
    pub const INFO: u8 = 15;
    /// Replaces services with their servers and rules, all at one moment.
    pub const APPLY: u8 = 16;
    /// Asks for relays; answered with itself.
    pub const GET_RELAY: u8 = 17;
    /// Ends relays; answered with itself.
    pub const DEL_RELAY: u8 = 18;
    /// To the group: something was changed.
    pub const EVENT: u8 = 64;
}

/// Attributes at the top of a message.
pub mod top {
    /// Nest of [`service`](super::service) attributes.
    pub const SERVICE: u16 = 1;
    /// Nest of [`server`](super::server) attributes.
    pub const SERVER: u16 = 2;
    /// Nest of [`rule`](super::rule) attributes.
    pub const RULE: u16 = 3;
    /// Nest of [`relay`](super::relay) attributes.
    pub const RELAY: u16 = 4;
    /// u32: [`VERSION`](super::VERSION).
    pub const VERSION: u16 = 5;
    /// u32: [`ALL`](super::ALL).
    pub const FLAGS: u16 = 6;
    /// u8: what was done; see [`action`](super::action).
    pub const ACTION: u16 = 7;
    /// u32: the netlink port of the socket that asked for it; 0 if it was not asked for by netlink.
    pub const PORTID: u16 = 8;
    /// u32: how many relays are ended.
    pub const COUNT: u16 = 9;
    /// The highest of these.
    pub const MAX: u16 = 9;
}

/// In [`top::FLAGS`]: everything, not only what the request names.
pub const ALL: u32 = 1;

/// What was done, in [`top::ACTION`].
pub mod action {
    /// A service, a server or a rule was added.
    pub const NEW: u8 = 1;
    /// A service or a server was changed.
    pub const SET: u8 = 2;
    /// A service, a server or a rule was deleted; a service with its servers and rules.
    pub const DEL: u8 = 3;
    /// All services were deleted.
    pub const FLUSH: u8 = 4;
    /// A service was started.
    pub const START: u8 = 5;
    /// A service was stopped.
    pub const STOP: u8 = 6;
    /// All services were replaced at one moment.
    pub const APPLY: u8 = 7;
}

/// Attributes of a service.
pub mod service {
    /// String, at most 15 bytes: what identifies it.
    pub const NAME: u16 = 1;
    /// u16: 2 or 10, of the address that it listens on.
    pub const FAMILY: u16 = 2;
    /// 4 or 16 bytes.
    pub const ADDR: u16 = 3;
    /// u16 in network order.
    pub const PORT: u16 = 4;
    /// String, at most 15 bytes.
    pub const SCHEDULER: u16 = 5;
    /// u32: is kept and shown, and has no effect.
    pub const START: u16 = 6;
    /// u32: the greatest number of relays.
    pub const MAX_CLIENTS: u16 = 7;
    /// u32: is kept and shown, and has no effect.
    pub const MIN_SPARE: u16 = 8;
    /// u32: is kept and shown, and has no effect.
    pub const MAX_SPARE: u16 = 9;
    /// 4 or 16 bytes: the server that stands in for others.
    pub const REDIRECT_ADDR: u16 = 10;
    /// u16 in network order.
    pub const REDIRECT_PORT: u16 = 11;
    /// u32: see [`service_flags`](super::service_flags).
    pub const FLAGS: u16 = 12;
    /// 4 or 16 bytes: clients whose `X-Forwarded-For` is believed.
    pub const TRUSTED_ADDR: u16 = 13;
    /// u32: the length of the prefix.
    pub const TRUSTED_BITS: u16 = 14;
    /// u64: the longest body of a request, in bytes.
    pub const MAX_BODY: u16 = 15;
    /// u32: the greatest number of idle connections to each server.
    pub const IDLE: u16 = 16;
    /// u32: the states of the automaton of the rules; answers only, as are all below.
    pub const STATES: u16 = 17;
    /// Nest of servers, each a nest of [`server`](super::server) attributes.
    pub const SERVERS: u16 = 18;
    /// Nest of rules, each a nest of [`rule`](super::rule) attributes.
    pub const RULES: u16 = 19;
    /// Nest of [`stats`](super::stats) attributes.
    pub const STATS: u16 = 20;
    /// Empty: moves the next attribute to an aligned place.
    pub const PAD: u16 = 21;
    /// The highest of these.
    pub const MAX: u16 = 21;
}

/// Flags of a service.
pub mod service_flags {
    /// The server is told the address of the client in `X-Forwarded-For`.
    pub const FORWARDED: u32 = 0x1;
    /// The server sees the address of the client.
    pub const TRANSPARENT: u32 = 0x2;
    /// Rules look at the name in a ClientHello of TLS.
    pub const SNI: u32 = 0x4;
    /// Servers are sent the header of the PROXY protocol, version 2.
    pub const PROXY_V2: u32 = 0x8;
    /// The service runs; shown only.
    pub const RUNNING: u32 = 0x10;
    /// The service was stopped, and has relays; shown only.
    pub const DRAINING: u32 = 0x20;
}

/// Attributes of a server.
pub mod server {
    /// u16: 2 or 10.
    pub const FAMILY: u16 = 1;
    /// 4 or 16 bytes.
    pub const ADDR: u16 = 2;
    /// u16 in network order.
    pub const PORT: u16 = 3;
    /// u32: 0 to 65535.
    pub const WEIGHT: u16 = 4;
    /// u32: its relays; answers only, as are all below.
    pub const CONNS: u16 = 5;
    /// u32: its idle connections.
    pub const POOLED: u16 = 6;
    /// u32: so many milliseconds it is passed over, as it was not reached.
    pub const DOWN: u16 = 7;
    /// Nest of [`stats`](super::stats) attributes.
    pub const STATS: u16 = 8;
    /// The highest of these.
    pub const MAX: u16 = 8;
}

/// Attributes of a rule.
pub mod rule {
    /// String, at most 255 bytes.
    pub const PATTERN: u16 = 1;
    /// u8: 0 to 9.
    pub const MATCH: u16 = 2;
    /// u16: 2 or 10.
    pub const FAMILY: u16 = 3;
    /// 4 or 16 bytes: the server.
    pub const ADDR: u16 = 4;
    /// u16 in network order.
    pub const PORT: u16 = 5;
    /// The highest of these.
    pub const MAX: u16 = 5;
}

/// Attributes of a relay.
pub mod relay {
    /// 4 or 16 bytes.
    pub const CLIENT_ADDR: u16 = 1;
    /// u16 in network order.
    pub const CLIENT_PORT: u16 = 2;
    /// 4 or 16 bytes.
    pub const SERVER_ADDR: u16 = 3;
    /// u16 in network order.
    pub const SERVER_PORT: u16 = 4;
    /// String.
    pub const STATE: u16 = 5;
    /// u32: seconds.
    pub const AGE: u16 = 6;
    /// u64: bytes from the client.
    pub const IN: u16 = 7;
    /// u64: bytes to the client.
    pub const OUT: u16 = 8;
    /// u32.
    pub const REQUESTS: u16 = 9;
    /// Empty: moves the next attribute to an aligned place.
    pub const PAD: u16 = 10;
    /// The highest of these.
    pub const MAX: u16 = 10;
}

/// Attributes of statistics, all of them u64 where nothing else is said.
pub mod stats {
    /// Connections of clients.
    pub const CONNS: u16 = 1;
    /// Requests.
    pub const REQUESTS: u16 = 2;
    /// Bytes from clients.
    pub const IN: u16 = 3;
    /// Bytes to clients.
    pub const OUT: u16 = 4;
    /// Answers of servers with a status of 200 to 299. Of a connection of which only the first request is read, the first answer
    /// counts; so it is with the classes below.
    pub const S2XX: u16 = 5;
    /// Answers of servers with a status of 300 to 399.
    pub const S3XX: u16 = 6;
    /// Answers of servers with a status of 400 to 499.
    pub const S4XX: u16 = 7;
    /// Answers of servers with a status of 500 to 599.
    pub const S5XX: u16 = 8;
    /// Nest: answers of the switch itself, each of the type of its status.
    pub const ERRORS: u16 = 9;
    /// Requests on connections of the pool.
    pub const REUSED: u16 = 10;
    /// Requests that were sent once more.
    pub const RETRIED: u16 = 11;
    /// Empty: moves the next attribute to an aligned place.
    pub const PAD: u16 = 12;
    /// The highest of these.
    pub const MAX: u16 = 12;
}
