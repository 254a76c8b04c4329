// SPDX-License-Identifier: GPL-2.0

//! KTCPVS, a layer-7 switch: it relays TCP connections, and chooses a server by what a client asks for.
//!
//! ```text
//!   observe    /proc, sysctls                                 sees all below
//!   control    commands by netlink, and changes they make     sees all below
//!   netns      what a namespace has                           sees all below
//!   service    what listens; its body: servers, rules; relays, whose turns are in bottom halves, and slow work in a thread
//!   scheduler  modules that plug in
//!   server     servers
//!   settings, stats
//! ```
//!
//! # Locks
//!
//! The configuration of a namespace ([`netns::Ktcpvs`], a mutex) is locked for each change. Inside it, one at a time: the listener of a service, its list of
//! relays (mutexes). The state of a relay is a spin lock, and the locks of its two sockets come inside that, and nothing inside these.

#![deny(unsafe_code)]

pub mod control;
mod netns;
mod observe;
pub mod scheduler;
mod server;
mod service;
mod settings;
mod stats;

pub use netns::{Ktcpvs, Namespaces};
pub use observe::Files;
pub use service::{open as open_relays, Opened};

/// The beginning of our lines in the kernel log.
const __LOG_PREFIX: &[u8] = b"KTCPVS\0";
