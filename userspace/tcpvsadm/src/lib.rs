// SPDX-License-Identifier: GPL-2.0

//! The tool of KTCPVS, the layer-7 switch in the kernel: what its programs are made of.

#![forbid(unsafe_code)]

pub mod channel;
pub mod cli;
pub mod configuration;
pub mod docs;
pub mod failure;
pub mod listing;
pub mod monitor;
pub mod names;
pub mod program;
pub mod relays;
