// SPDX-License-Identifier: GPL-2.0

//! IPVS, the layer-4 load balancer of Linux.
//!
//! # Rooms
//!
//! ```text
//!   packet   hooks and all that happens to a packet      sees model, plugin
//!   control  commands of users                           sees model, plugin, sync
//!   sync     daemons that tell other directors           sees model, plugin
//!   upkeep   work in the background                      sees model
//!   observe  /proc, sysctl, log                          sees all above
//!   plugin   modules that plug in                        sees model
//!   model    services, servers, connections, settings    sees ipvs_core and knet
//!   netns    puts the rooms together for each namespace
//! ```
//!
//! [`packet`] and [`control`] never see each other. The gate `rooms` keeps it.
//!
//! # Locks
//!
//! Packets take none. The configuration of a namespace is locked for each change of services and servers;
//! inside it the locks of the hash tables, the statistics and the servers' settings are taken,
//! one at a time.

#![deny(unsafe_code)]

pub mod control;
pub mod model;
pub mod netns;
pub mod observe;
mod packet;
pub mod plugin;
mod sync;
pub mod upkeep;

/// The beginning of our lines in the kernel log.
const __LOG_PREFIX: &[u8] = b"IPVS\0";
