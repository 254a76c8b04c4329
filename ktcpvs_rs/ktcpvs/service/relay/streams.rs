// SPDX-License-Identifier: GPL-2.0

//! The two connections of a relay.

use knet::tcp::{Stream, Which};
use ktcpvs_core::relay::Side;

use super::Relay;

/// The connections that there are.
pub(super) struct Streams {
    /// That of the client, from the beginning of the relay to its end.
    pub(super) client: Option<Stream<Relay>>,
    /// That of the server.
    pub(super) server: Option<Stream<Relay>>,
    /// One that is to be closed, in slow work.
    pub(super) leaving: Option<Stream<Relay>>,
}

impl Streams {
    pub(super) const fn new() -> Self {
        Self {
            client: None,
            server: None,
            leaving: None,
        }
    }
}

/// The client's is locked first.
pub(super) const fn which(side: Side) -> Which {
    match side {
        Side::Client => Which::Near,
        Side::Server => Which::Far,
    }
}
