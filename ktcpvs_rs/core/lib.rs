// SPDX-License-Identifier: GPL-2.0

//! The decisions of the layer-7 switch KTCPVS that need no kernel: what a client asks for, which server answers, what happens
//! next on the two connections of a relay, how a configuration is written.
//!
//! Nothing here allocates memory, takes a lock, sleeps or reads a clock. Where an algorithm needs memory, its caller gives it.
//! No path may panic, as in [`ipvs_core`]: the lints below enforce this.
//!
//! The modules are layers, and none imports one above it:
//!
//! | | |
//! |---|---|
//! | messages | [`http`] |
//! | servers | [`pattern`], [`balance`], [`rules`] |
//! | relays | [`relay`] |
//! | configuration | [`uapi`], [`config`], [`message`] |

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

pub mod balance;
pub mod config;
pub mod http;
pub mod message;
pub mod pattern;
pub mod relay;
pub mod rules;
pub mod uapi;
