// SPDX-License-Identifier: GPL-2.0

//! The decisions of IPVS that need no kernel: what a packet is, where it goes next, what a
//! request means, how a reply is laid out.
//!
//! Nothing here allocates memory, takes a lock, sleeps or reads a clock. The kernel crates call
//! these functions and act on the result. Host tests call the same functions with cargo.
//!
//! A panic in the kernel takes the machine down, so no path may panic. Values that come from
//! outside are read with `get`, `first_chunk` and the like, and computed with `wrapping_`,
//! `saturating_` or `checked_` operations. The lints below enforce this.
//!
//! Ports are `u16` in host order and addresses are [`addr::Addr`] in network order. Both are
//! converted where a header is read or written.
//!
//! The modules are layers, and none imports one above it:
//!
//! | | |
//! |---|---|
//! | packets | [`addr`], [`checksum`], [`wire`], [`flow`], [`nat`], [`icmp`], [`tunnel`] |
//! | connections | [`conn`], [`proto`], [`plan`], [`persist`], [`defense`], [`drops`], [`early`], [`matching`], [`sync`] |
//! | servers | [`sched`], [`est`] |
//! | tables | [`hash`], [`resize`] |
//! | application protocols | [`app`] |
//! | configuration | [`uapi`], [`nla`], [`config`], [`sockopt`] |

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
pub mod app;
pub mod checksum;
pub mod config;
pub mod conn;
pub mod defense;
pub mod drops;
pub mod early;
pub mod engine;
pub mod est;
pub mod flow;
pub mod hash;
pub mod icmp;
pub mod matching;
pub mod nat;
pub mod nla;
pub mod persist;
pub mod plan;
pub mod proto;
pub mod resize;
pub mod sched;
pub mod sockopt;
pub mod sync;
pub mod tunnel;
pub mod uapi;
pub mod wire;
