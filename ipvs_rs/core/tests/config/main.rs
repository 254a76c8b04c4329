// SPDX-License-Identifier: GPL-2.0

//! Netlink messages: what requests mean, which fault is reported, and how replies are laid out.

#![forbid(unsafe_code)]

mod attributes;
mod message;
mod properties;
mod replies;
mod requests;
mod servers;
mod services;
mod sync;
