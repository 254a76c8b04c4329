// SPDX-License-Identifier: GPL-2.0

//! Decisions about packets: a [`Plan`] says what happens to a packet, and the packet path of the kernel carries it out.
//!
//! ```text
//!   packet ──parse──> Flow ──find──> Option<(connection, FlowDirection)> ──inbound──> Plan
//!        ├─NotOurs ──without_flow──────────────────────────────────────────────────> FlowlessPlan
//!        └─Report ──find──> Option<(connection, FlowDirection)> ──error────────────> ErrorPlan
//! ```
//!
//! No decision here changes anything. Whoever asks the same questions gets the same plans.

mod inbound;
pub mod lookup;
mod message;
pub mod opening;
pub mod overload;
pub mod reuse;
mod unread;

use crate::drops::Reason;

pub use inbound::{inbound, not_begun, successor, Server, Situation, StoredConn};
pub use message::{error, without_report, ErrorPlan};
pub use unread::{without_flow, FlowlessPlan};

/// The part of the packet path at which a packet is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The packet is addressed to the director, or the director has made it.
    Local,
    /// The director routes the packet to another host.
    Forward,
}

/// What happens to a packet. `C` is the connection that the packet was found to belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan<C> {
    /// The packet continues as on a host without a load balancer.
    Pass,
    /// The packet is dropped, and counted under this reason.
    Drop(Reason),
    /// The packet goes to the server of its connection.
    ToServer(C),
    /// The packet goes to the client of its connection.
    ToClient(C),
    /// The packet goes to its own destination address, on a connection without a server.
    Onward(C),
    /// The connection ends, and the packet gets the plan of its [`successor`]. A connection that controls others cannot
    /// end; the packet gets the plan of [`Stay`] then.
    Replace(C, Stay),
    /// The packet opens a connection, if there is a service for it.
    Open,
    /// The packet comes from a real server, and opens a connection to its destination if there is a service for it. If not, the
    /// packet gets the plan of [`not_begun`].
    Begin,
    /// The packet is dropped, and its sender, a real server, is told that the port is unreachable.
    Refuse,
}

/// What happens to a packet whose connection was to be replaced, and has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// As for [`Plan::ToServer`].
    ToServer,
    /// As for [`Plan::Onward`].
    Onward,
    /// The packet is dropped, as the server of its connection was deleted.
    Drop,
}

impl Stay {
    /// The plan for a packet of `conn`.
    pub const fn plan<C: Copy>(self, conn: C) -> Plan<C> {
        match self {
            Self::ToServer => Plan::ToServer(conn),
            Self::Onward => Plan::Onward(conn),
            Self::Drop => Plan::Drop(Reason::ServerDeleted),
        }
    }
}
