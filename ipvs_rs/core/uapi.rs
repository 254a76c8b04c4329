// SPDX-License-Identifier: GPL-2.0

//! Numbers that user space knows: the generic netlink family `IPVS` and the flags in its
//! messages, as in the kernel's `include/uapi/linux/ip_vs.h`.

pub mod additions;

/// The name of the generic netlink family.
pub const FAMILY_NAME: &str = "IPVS";
/// The version of the generic netlink family.
pub const FAMILY_VERSION: u8 = 1;

/// The version of IPVS: 1.2.1.
pub const VERSION: u32 = 0x01_02_01;

/// The longest scheduler name, without the terminating NUL.
pub const SCHEDULER_NAME_MAX: usize = 15;
/// The longest name of a persistence engine, without the terminating NUL.
pub const PE_NAME_MAX: usize = 16;
/// The longest interface name, without the terminating NUL.
pub const INTERFACE_NAME_MAX: usize = 15;
/// The name that stands for no scheduler at all.
pub const NO_SCHEDULER: &[u8] = b"none";

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
    /// Adds a real server to a service.
    pub const NEW_DEST: u8 = 5;
    /// Changes a real server.
    pub const SET_DEST: u8 = 6;
    /// Deletes a real server.
    pub const DEL_DEST: u8 = 7;
    /// Asks for the real servers of a service; answered with [`NEW_DEST`].
    pub const GET_DEST: u8 = 8;
    /// Starts a synchronisation daemon.
    pub const NEW_DAEMON: u8 = 9;
    /// Stops a synchronisation daemon.
    pub const DEL_DAEMON: u8 = 10;
    /// Asks for the running daemons; answered with [`NEW_DAEMON`].
    pub const GET_DAEMON: u8 = 11;
    /// Sets the timeouts.
    pub const SET_CONFIG: u8 = 12;
    /// Asks for the timeouts; answered with [`SET_CONFIG`].
    pub const GET_CONFIG: u8 = 13;
    /// The answer to [`GET_INFO`]; nobody may send it.
    pub const SET_INFO: u8 = 14;
    /// Asks for version and table size; answered with [`SET_INFO`].
    pub const GET_INFO: u8 = 15;
    /// Sets statistics to zero.
    pub const ZERO: u8 = 16;
    /// Deletes all services.
    pub const FLUSH: u8 = 17;
}

/// Attributes at the top of a message.
pub mod top {
    /// Nest of [`service`](super::service) attributes.
    pub const SERVICE: u16 = 1;
    /// Nest of [`dest`](super::dest) attributes.
    pub const DEST: u16 = 2;
    /// Nest of [`daemon`](super::daemon) attributes.
    pub const DAEMON: u16 = 3;
    /// u32: the time of established TCP connections, in seconds.
    pub const TIMEOUT_TCP: u16 = 4;
    /// u32: the time of TCP connections in FIN_WAIT, in seconds.
    pub const TIMEOUT_TCP_FIN: u16 = 5;
    /// u32: the time of UDP connections, in seconds.
    pub const TIMEOUT_UDP: u16 = 6;
    /// The highest of these.
    pub const MAX: u16 = 6;
}

/// Attributes at the top of the answer to `GET_INFO`, which has a numbering of its own.
pub mod info {
    /// u32: [`VERSION`](super::VERSION).
    pub const VERSION: u16 = 1;
    /// u32: the current number of buckets of the connection table, 0 without a table.
    pub const CONN_TAB_SIZE: u16 = 2;
}

/// Attributes of a virtual service.
pub mod service {
    /// u16: 2 or 10.
    pub const AF: u16 = 1;
    /// u16: the transport protocol.
    pub const PROTOCOL: u16 = 2;
    /// Up to 16 bytes: the virtual address.
    pub const ADDR: u16 = 3;
    /// u16 in network order: the virtual port, 0 for all.
    pub const PORT: u16 = 4;
    /// u32: the firewall mark that selects the packets, instead of the three above.
    pub const FWMARK: u16 = 5;
    /// String: the scheduler.
    pub const SCHED_NAME: u16 = 6;
    /// Two u32: flags and which of them to change; see [`service_flags`](super::service_flags).
    pub const FLAGS: u16 = 7;
    /// u32: the time of persistence, in seconds.
    pub const TIMEOUT: u16 = 8;
    /// 4 bytes: which clients belong together: an IPv4 netmask in network order, an IPv6 prefix
    /// length in host order.
    pub const NETMASK: u16 = 9;
    /// Nest of [`stats`](super::stats) attributes, some of 32 bits.
    pub const STATS: u16 = 10;
    /// String: the persistence engine.
    pub const PE_NAME: u16 = 11;
    /// Nest of [`stats`](super::stats) attributes, all of 64 bits.
    pub const STATS64: u16 = 12;
}

/// Flags of a virtual service; others are stored and shown, and mean nothing.
pub mod service_flags {
    /// The connections of one client go to one server.
    pub const PERSISTENT: u32 = 0x1;
    /// Is in the table: always shown, cannot be changed.
    pub const HASHED: u32 = 0x2;
    /// Each UDP packet is scheduled on its own.
    pub const ONE_PACKET: u32 = 0x4;
    /// For the scheduler; `sh` and `mh`: another server stands in for an unavailable one.
    pub const SCHED1: u32 = 0x8;
    /// For the scheduler; `sh` and `mh`: the source port counts too.
    pub const SCHED2: u32 = 0x10;
    /// For the scheduler.
    pub const SCHED3: u32 = 0x20;
}

/// Attributes of a real server.
pub mod dest {
    /// Up to 16 bytes: the address.
    pub const ADDR: u16 = 1;
    /// u16 in network order: the port, 0 for that of the packet.
    pub const PORT: u16 = 2;
    /// u32: the forwarding method; see [`Method`](crate::conn::Method).
    pub const FWD_METHOD: u16 = 3;
    /// u32 read as signed: the weight.
    pub const WEIGHT: u16 = 4;
    /// u32: the upper threshold of connections.
    pub const U_THRESH: u16 = 5;
    /// u32: the lower threshold of connections.
    pub const L_THRESH: u16 = 6;
    /// u32: active connections.
    pub const ACTIVE_CONNS: u16 = 7;
    /// u32: inactive connections.
    pub const INACT_CONNS: u16 = 8;
    /// u32: persistence templates.
    pub const PERSIST_CONNS: u16 = 9;
    /// Nest of [`stats`](super::stats) attributes, some of 32 bits.
    pub const STATS: u16 = 10;
    /// u16: 2 or 10, or 0 for the family of the service.
    pub const ADDR_FAMILY: u16 = 11;
    /// Nest of [`stats`](super::stats) attributes, all of 64 bits.
    pub const STATS64: u16 = 12;
    /// u8: the kind of tunnel; see [`tunnel`](super::tunnel).
    pub const TUN_TYPE: u16 = 13;
    /// u16 in network order: the UDP port of the tunnel.
    pub const TUN_PORT: u16 = 14;
    /// u16: 1 checksum, 2 remote checksum offload.
    pub const TUN_FLAGS: u16 = 15;
}

/// Kinds of tunnel.
pub mod tunnel {
    /// IP in IP.
    pub const IPIP: u8 = 0;
    /// Generic UDP encapsulation.
    pub const GUE: u8 = 1;
    /// Generic routing encapsulation.
    pub const GRE: u8 = 2;
}

/// Attributes of statistics.
pub mod stats {
    /// Connections.
    pub const CONNS: u16 = 1;
    /// Packets from clients.
    pub const INPKTS: u16 = 2;
    /// Packets from servers.
    pub const OUTPKTS: u16 = 3;
    /// Bytes from clients; always of 64 bits.
    pub const INBYTES: u16 = 4;
    /// Bytes from servers; always of 64 bits.
    pub const OUTBYTES: u16 = 5;
    /// Connections per second.
    pub const CPS: u16 = 6;
    /// Packets from clients per second.
    pub const INPPS: u16 = 7;
    /// Packets from servers per second.
    pub const OUTPPS: u16 = 8;
    /// Bytes from clients per second.
    pub const INBPS: u16 = 9;
    /// Bytes from servers per second.
    pub const OUTBPS: u16 = 10;
    /// Empty: moves the next attribute to an aligned place.
    pub const PAD: u16 = 11;
}

/// Attributes of a synchronisation daemon.
pub mod daemon {
    /// u32: 1 master, 2 backup.
    pub const STATE: u16 = 1;
    /// String: the interface.
    pub const MCAST_IFN: u16 = 2;
    /// u32: which directors belong together.
    pub const SYNC_ID: u16 = 3;
    /// u16: the longest message.
    pub const SYNC_MAXLEN: u16 = 4;
    /// 4 bytes: the IPv4 multicast group.
    pub const MCAST_GROUP: u16 = 5;
    /// 16 bytes: the IPv6 multicast group.
    pub const MCAST_GROUP6: u16 = 6;
    /// u16 in host order: the UDP port.
    pub const MCAST_PORT: u16 = 7;
    /// u8: the time to live of the messages.
    pub const MCAST_TTL: u16 = 8;
}
