// SPDX-License-Identifier: GPL-2.0

//! Generic netlink: commands from user space, and the answers to them.
//!
//! # Vocabulary
//!
//! - A [`GenlFamily`] is a named set of [`Operation`]s. Each operation answers one command.
//! - A command is *done* ([`Do`]: one request, at most one reply) or *dumped* ([`Dump`]: one
//!   request, any number of entries in as many messages as it takes).
//! - A [`Message`] is one that is being written, attribute by attribute.
//! - A [`Group`] is a multicast group: sockets that receive messages without a request.
//!
//! ```text
//!   request ──> Do::run(&Request) ──> request.reply(command, |message| ..)
//!
//!   request ──> Dump::run(&Request, &mut Page, &mut Cursor) ──> page.entry(command, |message| ..)
//!                  ^                                                   │
//!                  └─────────── again with a new page ────────── Err(Full)
//! ```
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::genetlink::{Do, GenlFamily, Operation, Policy, Request};
//! const HELLO: u8 = 1;
//! const TEXT: u16 = 1;
//!
//! struct Hello;
//!
//! impl Do for Hello {
//!     fn run(request: &Request) -> Result {
//!         request.reply(HELLO, |message| message.put(TEXT, b"hello\0"))
//!     }
//! }
//!
//! const POLICY: &[Policy] = &[Policy::ANY, Policy::string(15)];
//! const OPERATIONS: &[Operation] = &[Operation::new(HELLO).doit::<Hello>().admin_perm()];
//! static FAMILY: GenlFamily = GenlFamily::new("example", 1, 2, POLICY, OPERATIONS, &[]);
//!
//! let registration = FAMILY.register()?;
//! // When nothing else in the module can fail:
//! registration.open();
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/net/genetlink.h`](srctree/include/net/genetlink.h)

mod dump;
mod family;
mod group;
mod message;
mod operation;
mod owned;
mod policy;
mod request;

pub use dump::{Dump, Page};
pub use family::{GenlFamily, Registration};
pub use group::Group;
pub use message::{Full, Message, Nest, NESTED};
pub use operation::Operation;
pub use policy::Policy;
pub use request::{Do, Request};
