// SPDX-License-Identifier: GPL-2.0

//! What happens to a packet.
//!
//! ```text
//!   hooks ──> path::local ───┬── a connection knows it ──> request ──> xmit   (of a client)
//!             path::forward  │                             reply              (of a server)
//!                            └── no connection knows it ─> schedule ──> request
//! ```
//!
//! Files see those to their right, and what all of them share: [`headers`], [`account`], [`drops`], [`family`].

mod account;
mod bypass;
mod choice;
mod complaint;
mod drops;
mod family;
mod headers;
pub(crate) mod hooks;
mod icmp;
mod ipsec;
mod path;
mod persist;
mod refuse;
mod reply;
mod request;
mod reuse;
mod schedule;
mod track;
mod xmit;
