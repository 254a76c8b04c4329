// SPDX-License-Identifier: GPL-2.0

//! UDP, which has one state: packets were seen not long ago.

/// The number of the only state.
pub const STATE: u8 = 0;
/// Its name in `/proc/net/ip_vs_conn`.
pub const STATE_NAME: &str = "UDP";
/// The time without a packet after which a connection ends, in seconds.
pub const DEFAULT_TIMEOUT: u32 = 300;
