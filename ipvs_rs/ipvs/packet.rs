// SPDX-License-Identifier: GPL-2.0

//! The path of a packet: [`ipvs_core::plan`] decides, and the files here carry its plans out.
//!
//! ```text
//!   hooks ──> early (packets of established connections, before they are routed)
//!     │
//!     └────> path ──> plan ──┬── ToServer ──> request ──> xmit
//!                             ├── ToClient ──> reply
//!                             ├── Open ──────> schedule ──> request
//!                             └── Begin ─────> begin ──> reply
//! ```
//!
//! Files see those to their right, and the files that all share: [`headers`], [`account`], [`drops`], [`family`].

mod account;
mod begin;
mod bypass;
mod choice;
mod complaint;
mod drops;
mod early;
mod headers;
mod help;
pub(crate) mod hooks;
mod icmp;
mod ipsec;
mod path;
mod persist;
mod refuse;
mod reply;
mod request;
mod schedule;
mod situation;
mod track;
mod xmit;
