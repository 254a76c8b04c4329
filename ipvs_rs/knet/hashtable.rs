// SPDX-License-Identifier: GPL-2.0

//! A hash table that is read without locks and changes its size while it is used.
//!
//! # Vocabulary
//!
//! - An *object* is a `T` in an [`Arc`]. It is in the table by its *nodes*: one for each key under
//!   which it can be found. Each node that is in the table holds a reference to its object.
//! - A *bucket* is a chain of nodes, in the order of (hash, address). Buckets divide the range of
//!   hashes evenly and in order: with 2^n of them the upper n bits of a hash tell its bucket. So
//!   the order of all nodes is the same at every size, which makes [`Cursor`] exact, and a search
//!   that passes its hash can stop.
//! - A *stripe* is the part of the range of hashes that one lock guards, at every size.
//!
//! # Resizing
//!
//! Each node has two links. An array of buckets uses one of the two links, and the next array uses the
//! other. So a resize links the nodes into the new array while readers use the old array, and a
//! reader sees one array only:
//!
//! ```text
//!              live   stripe.current   stripe.future
//!   before      A           A               -         readers: A    writers: A
//!   migrating   A           A               B         readers: A    writers: A, and B where done
//!   published   B           A               B         readers: A or B    writers: A and B
//!   (grace period: nobody reads A any more)
//!   after       B           B               -         readers: B    writers: B
//! ```
//!
//! # Examples
//!
//! ```rust
//! # use kernel::prelude::*;
//! # use knet::{field::field, hashtable::{Node, Table}, rcu::{self, Arc}};
//! struct Host {
//!     addr: u32,
//!     node: Node<Host>,
//! }
//!
//! let table = KBox::pin_init(Table::<Host>::new(4), GFP_KERNEL)?;
//! table.resize(8)?;
//! let host = Arc::new(Host { addr: 1, node: Node::new(0) }, GFP_KERNEL)?;
//! let hash = host.addr.wrapping_mul(0x9E37_79B9);
//! {
//!     let guard = rcu::read_lock();
//!     let is_same = |other: &Host, _tag: u8| other.addr == host.addr;
//!     table
//!         .insert(&host, field!(Host, node), hash, &guard, is_same)
//!         .map_err(|_| EEXIST)?;
//!     assert!(table.find(hash, &guard, is_same).is_some());
//! }
//! assert!(table.remove(&host.node).is_some());
//! # Ok::<(), Error>(())
//! ```
//!
//! # Locks
//!
//! `resizing` (a mutex, one resize at a time), then the lock of one stripe. Readers take no lock.

mod buckets;
mod cursor;
mod lengths;
mod node;
mod resize;
mod stripe;
mod table;

pub use cursor::Cursor;
pub use lengths::BucketLengths;
pub use node::Node;
pub use table::{InsertError, Table};
