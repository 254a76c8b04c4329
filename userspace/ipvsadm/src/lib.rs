// SPDX-License-Identifier: GPL-2.0

//! Administers IPVS, the layer-4 load balancer of Linux: ipvsadm, by the letter of version 1.31,
//! and what its users have been missing.
//!
//! Floors, each of which knows only those before it:
//!
//! | module | what it knows |
//! |---|---|
//! | [`options`], [`lexer`] | which options there are; words to options |
//! | [`cli`] | what was typed: each option checked on its own, in the order of 1.31 |
//! | [`command`] | what it means: options together, defaults; a change or a listing |
//! | `ipvs_netlink` | the kernel |
//! | [`session`], [`restore`] | commands carried out |
//! | [`print`] | what is shown |
//!
//! The commands that 1.31 does not have are in [`extra`], and are parsed by clap.

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

pub mod address;
pub mod atomic;
pub mod cli;
pub mod command;
pub mod connections;
pub mod docs;
pub mod error;
pub mod exit_code;
pub mod extra;
pub mod lexer;
pub mod names;
pub mod options;
pub mod plan;
pub mod print;
pub mod program;
pub mod remark;
pub mod restore;
pub mod session;
