// SPDX-License-Identifier: GPL-2.0

//! UDP, whose connections have only one state.

/// The number of the only state.
pub const STATE: u8 = 0;
/// The name of the only state in `/proc/net/ip_vs_conn`.
pub const STATE_NAME: &str = "UDP";
/// The default time without a packet after which a connection ends, in seconds.
pub const DEFAULT_TIMEOUT: u32 = 300;
