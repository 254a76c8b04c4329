// SPDX-License-Identifier: GPL-2.0

//! TCP sockets of the kernel that are used in bottom halves, without a thread.
//!
//! # Vocabulary
//!
//! - A [`Listener`] takes connections. It does not keep its namespace, which closes it when it ends.
//! - An [`Unowned`] is a connection that nobody is told about yet: one that was accepted.
//! - A [`Stream`] is a connection with an [`Owner`], who is woken when something happens. It keeps its namespace: no namespace
//!   ends under a connection.
//! - A [`Locked`] is one stream, or two, in a bottom half. All that concerns bytes is done with it.
//!
//! ```text
//!   Listener::accept ──> Unowned ──own──> Stream <── Stream::connect
//!      (process)                            │
//!         wake (any context) <──────────────┤ bytes, FIN, room, error
//!                                           v
//!   BottomHalfWork ──> Locked::lock ──> facts, peek, splice, send, close_write ──> drop
//!                                           │
//!      (process)                  drop: takes the owner off, and releases
//! ```
//!
//! # Contexts and locks
//!
//! To make, accept and connect sockets may sleep, and is for process context. They may be dropped anywhere: where nothing may sleep,
//! a thread closes them soon. [`Locked::lock`] takes the spin locks of
//! sockets, so it comes inside all locks that the caller has, and takes two in the order of their addresses, so that two callers never wait for
//! each other. [`Owner::wake`] is called with the lock of the stream held, so it takes no lock of a stream and does nothing but
//! queue work. It is called from the functions of [`Locked`], too.
//!
//! # An owner that is gone
//!
//! A socket has the address of its owner, and the stream keeps the owner. A callback reads that address in a read-side section.
//! The address is taken off the socket before the stream gives up its reference, and an [`Arc`](crate::rcu::Arc) stays for a grace
//! period after that. So a callback never finds an owner that is gone, whatever runs at the same time. Callbacks are functions of the
//! owner's module, which each stream and listener keeps loaded. A section in which one runs began before the address was taken off, and the
//! module waits for the owner's grace period before it goes ([`rcu_module`](crate::rcu_module)).
//!
//! C headers: [`include/net/tcp.h`](srctree/include/net/tcp.h), [`include/net/sock.h`](srctree/include/net/sock.h)

mod listener;
mod locked;
mod owner;
mod stream;

pub use listener::{Listener, Options};
pub use locked::{Facts, Locked, Moved, Sent, Stop, Which};
pub use owner::Owner;
pub use stream::{Stream, Unowned};
