// SPDX-License-Identifier: GPL-2.0

//! The rules that `lblc` and `lblcr` share: when a server has too much to do for the destination
//! addresses that it has, and when a destination address is forgotten.

use super::Server;

/// If more destination addresses than this are remembered, idle ones are forgotten.
pub const ENOUGH: usize = 16384;
/// If this number of destination addresses are remembered, no more are added.
pub const MOST: usize = 24576;

/// The time in seconds after which an idle destination address is forgotten if there are more than
/// [`ENOUGH`].
const IDLE: u32 = 360;
/// The shortest time in seconds for which an idle destination address is remembered if there is room.
///
/// The C module looks for expired addresses twice an hour.
const LEAST_EXPIRATION: u32 = 1800;

/// Whether to forget a destination address that was last used `idle` seconds ago.
///
/// `expiration` is the configured time in seconds. `destinations` is the number of destination
/// addresses that are remembered.
#[inline]
pub const fn is_forgotten(idle: u32, expiration: u32, destinations: usize) -> bool {
    let expiration = match expiration < LEAST_EXPIRATION {
        true => LEAST_EXPIRATION,
        false => expiration,
    };
    idle >= expiration || destinations > ENOUGH && idle >= IDLE
}

/// Whether a server has more active connections than its weight, while another server has less than
/// half its weight.
#[inline]
pub(super) fn is_overloaded<S: Server>(servers: &[S], server: &S) -> bool {
    let is_half_idle = |server: &S| server.active().saturating_mul(2) < server.weight();
    server.active() > server.weight() && servers.iter().any(is_half_idle)
}
