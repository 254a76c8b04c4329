// SPDX-License-Identifier: GPL-2.0

//! Commands from user space, and the changes that they make.
//!
//! ```text
//!   netlink, sockopt ──> ipvs_core::config (valid values only) ──> configure, apply ──> the model
//!                                                                       └──> monitor
//! ```

mod apply;
pub(crate) mod configure;
mod daemons;
mod errno;
mod monitor;
pub mod netlink;
mod refusal;
pub mod sockopt;
