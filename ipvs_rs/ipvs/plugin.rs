// SPDX-License-Identifier: GPL-2.0

//! Modules that plug in: each kind registers objects by name. A scheduler or a persistence engine is loaded when a
//! service asks for its name, a helper by hand. The match of iptables registers with the kernel, and asks [`matching`].

pub mod engine;
pub mod helper;
pub mod matching;
mod registration;
pub mod scheduler;

#[doc(hidden)]
pub use knet::rcu_module;
