// SPDX-License-Identifier: GPL-2.0

//! Weighted overflow: the server with the greatest weight until it has as many active connections,
//! then the next.
//!
//! UDP connections are never active, so they all go to one server.

use super::{fo, Server};

/// The index of the eligible server with the greatest weight that has no more active connections
/// than that, the first of equals; [`None`] if there is none.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    fo::heaviest(servers, |server| server.active() <= server.weight())
}
