// SPDX-License-Identifier: GPL-2.0

//! IPVS, the layer-4 load balancer of Linux.
//!
//! # The way of a packet
//!
//! ```text
//!   hooks ──> ingress ──┬── a connection knows it ──> xmit (request) or egress (reply)
//!                       └── nobody knows it ────────> ingress::schedule ──> xmit
//! ```
//!
//! # The way of a command
//!
//! ```text
//!   control (netlink), sockopt ──> ipvs_core::config (valid values) ──> configure ──> service, pool, dest
//! ```
//!
//! # Locks
//!
//! Packets take none. [`netns::Config`] is locked for each change of services and servers;
//! inside it the locks of the hash tables, the statistics and the servers' settings are taken,
//! one at a time.

#![deny(unsafe_code)]

mod apply;
mod configure;
mod conn;
pub mod control;
mod defense;
pub mod dest;
pub mod devices;
mod drops;
mod egress;
mod errno;
mod est;
mod hooks;
mod icmp;
mod ingress;
mod ipsec;
mod monitor;
pub mod netns;
mod nodest;
pub mod pool;
pub mod presence;
mod proc;
mod resize;
pub mod scheduler;
mod servers;
mod service;
mod settings;
pub mod sockopt;
mod stats;
mod sysctl;
mod track;
mod trash;
mod xmit;

/// The beginning of our lines in the kernel log.
const __LOG_PREFIX: &[u8] = b"IPVS\0";
