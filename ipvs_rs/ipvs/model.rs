// SPDX-License-Identifier: GPL-2.0

//! The state of a director: services with their servers, connections, and settings of each network namespace.
//!
//! ```text
//!   Ipvs ─┬─ services ──> service ──> pool ──> member ──> dest ──> route
//!         ├─ servers (by which packets of servers are told)
//!         └─ conns ────> conn ─────────────────────────> dest
//! ```
//!
//! This room sees `ipvs_core` and `knet` only. Where the model asks for work that another room does, it names
//! the work ([`duties`]) or a trait ([`origin::Monitor`], [`composition::Composition`]); `netns` and the rooms
//! above implement those.

pub mod attachment;
pub(crate) mod changes;
pub(crate) mod composition;
pub(crate) mod conn;
pub mod dest;
pub(crate) mod drop_rate;
pub(crate) mod drops;
pub(crate) mod duties;
pub mod engine;
pub(crate) mod family;
pub mod helping;
mod ipvs;
pub(crate) mod keyring;
pub(crate) mod masters;
pub mod member;
pub(crate) mod origin;
pub(crate) mod passages;
pub(crate) mod peers;
pub mod pool;
pub(crate) mod route;
pub mod scheduling;
pub(crate) mod servers;
pub(crate) mod service;
pub(crate) mod settings;
pub(crate) mod sizing;
pub(crate) mod stats;
pub(crate) mod sync_events;
pub(crate) mod trash;
pub(crate) mod views;

pub use conn::ConnMemory;
pub(crate) use ipvs::Config;
pub use ipvs::Ipvs;
