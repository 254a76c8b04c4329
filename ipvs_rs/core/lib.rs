// SPDX-License-Identifier: GPL-2.0

//! The decisions of IPVS that need no kernel: what a packet is, where it goes next, what a
//! request means, how a reply is laid out.
//!
//! Nothing here allocates, locks, sleeps or knows what time it is. The kernel crates ask, and
//! act on the answer; the host tests ask the same questions with cargo.
//!
//! A panic in the kernel takes the machine down, so no path may panic: values that come from
//! outside are read with `get`, `first_chunk` and the like, and computed with `wrapping_`,
//! `saturating_` or `checked_` operations. The lints below hold the crate to it.
//!
//! Conventions: ports are `u16` in host order, addresses are [`addr::Addr`] in network order,
//! and both are converted where they meet the wire.

// Kbuild injects `no_std` itself, and sets `MODULE`.
#![cfg_attr(not(any(test, MODULE)), no_std)]
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

pub mod addr;
pub mod checksum;
pub mod config;
pub mod conn;
pub mod defense;
pub mod est;
pub mod flow;
pub mod hash;
pub mod icmp;
pub mod nat;
pub mod nla;
pub mod persist;
pub mod plan;
pub mod proto;
pub mod resize;
pub mod sched;
pub mod sockopt;
pub mod tunnel;
pub mod uapi;
pub mod wire;
