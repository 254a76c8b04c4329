// SPDX-License-Identifier: GPL-2.0

//! KTCPVS, a layer-7 switch: it relays TCP connections, and chooses a server by what a client asks for.
//!
//! ```text
//!   observe    /proc, sysctls                                 sees all below
//!   control    commands by netlink, and changes they make     sees all below
//!   netns      what a namespace has
//!   relay      the two connections of a client                turns in bottom halves, slow work in a thread
//!   service    what listens; its body: servers, rules
//!   scheduler  modules that plug in
//!   server, settings, stats
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
mod relay;
pub mod scheduler;
mod server;
mod service;
mod settings;
mod stats;

pub use netns::{Ktcpvs, Namespaces};
pub use relay::{open as open_relays, Opened};

/// The beginning of our lines in the kernel log.
const __LOG_PREFIX: &[u8] = b"KTCPVS\0";
