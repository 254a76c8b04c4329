// SPDX-License-Identifier: GPL-2.0

//! The synchronisation daemons: a master tells other directors of its connections, and a backup learns those of others.
//!
//! ```text
//!   packets ──> model::changes ──> master ──datagrams──> the network ──> backup ──> learn ──> the model
//! ```
//!
//! Connections are saved as the entries of such datagrams, and restored as a backup learns them.
//!
//! Each daemon has one thread with one socket for each UDP port. The threads of a namespace end before its connections do.

mod admission;
mod backup;
mod daemons;
mod entry;
mod launch;
mod learn;
mod master;
mod restore;
mod sockets;

pub(crate) use daemons::{device, Daemons};
pub(crate) use entry::save;
pub(crate) use restore::Restorer;
