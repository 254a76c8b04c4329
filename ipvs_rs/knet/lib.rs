// SPDX-License-Identifier: GPL-2.0

//! Safe abstractions of the kernel's networking that the kernel crate does not have (yet).
//!
//! They are written as if for `rust/kernel`: they know nothing of the modules that use them, and
//! those modules need no `unsafe`. C is called through `ipvs_sys`, the bindings of this project.
//!
//! What a function may do depends on where it is called. Where types can tell, they do:
//! [`rcu::Guard`] is the evidence of a read-side section, and a [`skbuff::Skb`] does not leave the
//! one it came in. A function that may sleep says so.

#![deny(missing_docs)]
#![warn(clippy::multiple_unsafe_ops_per_block)]

pub mod capability;
pub mod checksum;
pub mod cpu_list;
pub mod deferred;
pub mod errno;
pub mod field;
pub mod genetlink;
pub mod hashtable;
pub mod hmac;
pub mod kthread;
#[cfg(CONFIG_KUNIT = "y")]
mod kunit;
pub mod late;
pub mod layout;
pub mod list;
pub mod log;
pub mod memory;
pub mod module;
pub mod net_namespace;
pub mod netdevice;
pub mod netfilter;
pub mod passage;
pub mod percpu;
pub mod proc_seq;
pub mod random;
pub mod rcu;
pub mod registry;
pub mod route;
pub mod rwsem;
pub mod skbuff;
pub mod slab;
pub mod socket;
pub mod sockopt;
pub mod spinlock;
pub mod sysctl;
pub mod tcp;
pub mod time;
pub mod timer;
pub mod tree;
pub mod vec;
pub mod wall_clock;
pub mod work;
pub mod xtables;

/// The prefix of log lines, in whatever module the line comes from.
const __LOG_PREFIX: &[u8] = b"knet\0";
