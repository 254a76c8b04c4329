// SPDX-License-Identifier: GPL-2.0

//! Never queue: a server without active connections, or else the server with the shortest expected
//! delay.

use super::{sed, Server};

/// The index of the first eligible server without active connections, or else that of the server
/// with the shortest expected delay; [`None`] if no server is eligible.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    let idle = |server: &S| server.active() == 0 && server.effective_weight() > 0;
    let mut all = (0..servers.len()).zip(servers);
    match all.find(|(_, server)| idle(server)) {
        Some((index, _)) => Some(index),
        None => sed::pick(servers),
    }
}
