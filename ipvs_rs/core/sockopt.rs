// SPDX-License-Identifier: GPL-2.0

//! The interface that is older than netlink: socket options at level `IPPROTO_IP`, with structures
//! that are laid out as in the kernel's `include/uapi/linux/ip_vs.h`.
//!
//! It has IPv4 only, no persistence engines, and no tunnels but IPIP. Numbers are in host order,
//! addresses and ports in network order, and unused bytes are 0. As from the C module, a 32-bit
//! program gets the layout of the 64-bit machine.
//!
//! [`request`] reads the structures that programs send, and [`reply`] writes those that they get.

pub mod reply;
pub mod request;

/// The number of the first option.
pub const BASE: u32 = 64 + 1024 + 64;

/// Options to set, counted from [`BASE`]. 1, 6, 13 and 14 have no meaning.
pub mod set {
    /// Adds a service.
    pub const ADD: u32 = 2;
    /// Changes a service.
    pub const EDIT: u32 = 3;
    /// Deletes a service.
    pub const DELETE: u32 = 4;
    /// Deletes all services.
    pub const FLUSH: u32 = 5;
    /// Adds a real server to a service.
    pub const ADD_DEST: u32 = 7;
    /// Deletes a real server.
    pub const DELETE_DEST: u32 = 8;
    /// Changes a real server.
    pub const EDIT_DEST: u32 = 9;
    /// Sets the timeouts.
    pub const TIMEOUT: u32 = 10;
    /// Starts a synchronisation daemon.
    pub const START_DAEMON: u32 = 11;
    /// Stops a synchronisation daemon.
    pub const STOP_DAEMON: u32 = 12;
    /// Sets statistics to zero.
    pub const ZERO: u32 = 15;
    /// The number of options, with those that have no meaning.
    pub const COUNT: u32 = 16;
}

/// Options to get, counted from [`BASE`]. 5 has no meaning.
pub mod get {
    /// A text about the version.
    pub const VERSION: u32 = 0;
    /// Version, size of the connection table, number of services.
    pub const INFO: u32 = 1;
    /// All services.
    pub const SERVICES: u32 = 2;
    /// One service.
    pub const SERVICE: u32 = 3;
    /// The real servers of a service.
    pub const DESTS: u32 = 4;
    /// The timeouts.
    pub const TIMEOUT: u32 = 6;
    /// The synchronisation daemons.
    pub const DAEMON: u32 = 7;
    /// The number of options, with those that have no meaning.
    pub const COUNT: u32 = 8;
}

/// The sizes of structures, in bytes.
pub mod size {
    /// `ip_vs_service_user`.
    pub const SERVICE: usize = 44;
    /// `ip_vs_dest_user`.
    pub const DEST: usize = 24;
    /// `ip_vs_service_user` and `ip_vs_dest_user` behind it.
    pub const SERVICE_AND_DEST: usize = SERVICE + DEST;
    /// `ip_vs_timeout_user`.
    pub const TIMEOUT: usize = 12;
    /// `ip_vs_daemon_user`.
    pub const DAEMON: usize = 24;
    /// The buffer for the text about the version, which is longer than the text.
    pub const VERSION: usize = 64;
    /// `ip_vs_getinfo`.
    pub const INFO: usize = 12;
    /// `ip_vs_get_services` without services.
    pub const SERVICES: usize = 8;
    /// `ip_vs_service_entry`.
    pub const SERVICE_ENTRY: usize = 104;
    /// `ip_vs_get_dests` without servers.
    pub const DESTS: usize = 24;
    /// `ip_vs_dest_entry`.
    pub const DEST_ENTRY: usize = 96;
    /// Two `ip_vs_daemon_user`: master and backup.
    pub const DAEMONS: usize = 2 * DAEMON;
}

/// The length in bytes that an option to set must have; [`None`] if there is no such option.
pub const fn set_length(option: u32) -> Option<usize> {
    match option {
        set::ADD | set::EDIT | set::DELETE | set::ZERO => Some(size::SERVICE),
        set::ADD_DEST | set::DELETE_DEST | set::EDIT_DEST => Some(size::SERVICE_AND_DEST),
        set::TIMEOUT => Some(size::TIMEOUT),
        set::START_DAEMON | set::STOP_DAEMON => Some(size::DAEMON),
        set::FLUSH => Some(0),
        _ => None,
    }
}

/// The `N` bytes at `offset`; [`None`] if there are not as many.
fn bytes_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}
