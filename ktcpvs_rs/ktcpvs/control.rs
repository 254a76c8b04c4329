// SPDX-License-Identifier: GPL-2.0

//! Commands of users.

mod apply;
mod configure;
mod failure;
pub mod netlink;
