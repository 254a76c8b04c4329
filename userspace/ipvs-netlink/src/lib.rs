// SPDX-License-Identifier: GPL-2.0

//! A typed client of IPVS, the layer-4 load balancer of Linux, over generic netlink.
//!
//! A [`Client`] is one socket, and another one for long answers. Questions ([`Client::services`], [`Client::dests`]) are answered
//! with values; changes are [`Request`]s, sent one at a time with [`Client::execute`] or many in
//! one go with [`Client::execute_all`], which pays no round trip for each of them.
//!
//! Addresses and names are those of [`ipvs_core`], which the kernel modules are built
//! from too.
//!
//! # Examples
//!
//! A web server behind a virtual address:
//!
//! ```no_run
//! use std::net::SocketAddr;
//!
//! use ipvs_netlink::{Client, DestKey, DestSettings, Method};
//! use ipvs_netlink::{Name, Request, ServiceKey, ServiceSettings};
//!
//! let service = ServiceKey::tcp(([192, 0, 2, 1], 80));
//! let server = DestKey::from(SocketAddr::from(([10, 0, 0, 2], 80)));
//!
//! let mut client = Client::connect()?;
//! let scheduler = Name::new(b"rr");
//! let failures = client.execute_all(&[
//!     Request::AddService(service, ServiceSettings::new(service.family()).with_scheduler(scheduler)),
//!     Request::AddDest(service, server, DestSettings::new(Method::Nat, 1)),
//! ])?;
//! for failure in failures {
//!     eprintln!("request {}: {}", failure.index, failure.errno);
//! }
//! # Ok::<(), ipvs_netlink::Error>(())
//! ```
//!
//! What is there, and how busy it is:
//!
//! ```no_run
//! let mut client = ipvs_netlink::Client::connect()?;
//! for service in client.services()? {
//!     for dest in client.dests(&service.key)? {
//!         println!("{:?} -> {:?}: {} active", service.key, dest.key, dest.active);
//!     }
//! }
//! # Ok::<(), ipvs_netlink::Error>(())
//! ```
//!
//! Kernels with the additions of `ipvs_rs` ([`Client::has_additions`]) tell changes as they happen,
//! and tell and end connections:
//!
//! ```no_run
//! use ipvs_netlink::{Client, ConnectionFilter, Protocol};
//!
//! let mut client = Client::connect()?;
//! let udp = ConnectionFilter::default().with_protocol(Protocol::UDP);
//! println!("{} connections were ended", client.end_connections(&udp)?);
//! let mut monitor = client.monitor()?;
//! while let Some(event) = monitor.next_event()? {
//!     println!("{:?}", event.change);
//! }
//! # Ok::<(), ipvs_netlink::Error>(())
//! ```

//! With the feature `serde`, what is told and asked can be stored: all types but those of [`ipvs_core`] by themselves, and
//! [`SyncKeys`], which are secret. Addresses and names are text then, and the names of fields and variants are part of the interface.
//! A field that a file does not have is that of the type's [`Default`], if it has one; a field that is not known is passed over. So
//! files of an older version can be loaded when these types have got more fields.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

/// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod attributes;
mod channel;
mod client;
mod connection;
mod decode;
mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod generic;
mod key;
mod message;
mod monitor;
mod protocol;
mod request;
mod saved;
mod socket;
#[cfg(feature = "serde")]
mod stored;
mod sync;
mod types;

pub use client::{Client, Failure, Outcome, WholeService};
pub use connection::{Connection, ConnectionFilter, Side, SideFilter};
pub use error::{Errno, Error};
pub use ipvs_core::addr::{Addr, Family};
pub use ipvs_core::config::{DaemonRole, Name, Netmask, Tunnel};
pub use ipvs_core::conn::Method;
pub use ipvs_core::proto::Timeouts;
pub use ipvs_core::uapi;
pub use key::{DestKey, ServiceKey};
pub use monitor::{Change, Event, MasterChange, Monitor, Wait};
pub use protocol::Protocol;
pub use request::Request;
pub use saved::{SavedConnections, Unreadable};
pub use sync::{Authentication, Master, SyncKeys, SyncState};
pub use types::{
    Daemon, DaemonSettings, Dest, DestSettings, Info, Rates, Service, ServiceSettings, Stats,
};
