// SPDX-License-Identifier: GPL-2.0

//! Services, real servers and settings: as a client asks for them, and as a client is told of them.
//!
//! [`request`] turns netlink attributes into the types of this module, which cannot hold what the C
//! module would reject. [`reply`] turns them into attributes again.

pub mod apply;
pub mod conns;
mod daemon;
mod dest;
mod error;
pub mod event;
mod label;
mod name;
mod netmask;
pub mod reply;
pub mod request;
mod service;
pub mod sync;
mod timeouts;
mod tunnel;

pub use daemon::{DaemonRole, DaemonSpec};
pub use dest::{DestKey, DestSpec};
pub use error::Error;
pub use name::Name;
pub use netmask::Netmask;
pub use service::{FlagChange, NominalTarget, ServiceKey, ServiceSpec};
pub use timeouts::TimeoutChange;
pub use tunnel::Tunnel;
