// SPDX-License-Identifier: GPL-2.0

//! What `lblc` and `lblcr` have in common: when a server has too much to do for the destinations
//! that it was given, and when a destination is forgotten.

use super::Server;

/// With more destinations than this, those that were idle for a while are forgotten.
pub const ENOUGH: usize = 16384;
/// With so many destinations, new ones are not remembered.
pub const MOST: usize = 24576;

/// Seconds after which an idle destination is forgotten if there are more than [`ENOUGH`].
const IDLE: u32 = 360;
/// Seconds for which an idle destination is remembered at least, if there is room.
///
/// The C module looks for expired ones twice an hour.
const LEAST_EXPIRATION: u32 = 1800;

/// Whether a destination that was last used so many seconds ago is to be forgotten.
#[inline]
pub const fn is_forgotten(idle: u32, expiration: u32, destinations: usize) -> bool {
    let expiration = match expiration < LEAST_EXPIRATION {
        true => LEAST_EXPIRATION,
        false => expiration,
    };
    idle >= expiration || destinations > ENOUGH && idle >= IDLE
}

/// Whether the server at `index` has more active connections than its weight, while another one
/// has less than half its weight.
#[inline]
pub(super) fn is_overloaded<S: Server>(servers: &[S], server: &S) -> bool {
    let is_half_idle = |server: &S| server.active().saturating_mul(2) < server.weight();
    server.active() > server.weight() && servers.iter().any(is_half_idle)
}
