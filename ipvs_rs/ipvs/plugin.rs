// SPDX-License-Identifier: GPL-2.0

//! Modules that plug in: each kind registers objects by name. A scheduler or a persistence engine is loaded when a
//! service asks for its name, a helper by hand.

pub mod engine;
pub mod helper;
mod registration;
pub mod scheduler;

#[doc(hidden)]
pub use knet::rcu_module;
