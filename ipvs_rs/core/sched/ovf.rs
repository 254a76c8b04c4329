// SPDX-License-Identifier: GPL-2.0

//! Weighted overflow: connections go to the server with the greatest weight until its active
//! connections are more than its weight, then to the server with the next weight.
//!
//! UDP connections are never active, so all of them go to one server.

use super::{fo, Server};

/// The index of the eligible server with the greatest weight among those whose active connections are
/// not more than their weight, or of the first of several; [`None`] if there is none.
#[inline]
pub fn pick<S: Server>(servers: &[S]) -> Option<usize> {
    fo::heaviest(servers, |server| server.active() <= server.weight())
}
