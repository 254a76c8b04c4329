// SPDX-License-Identifier: GPL-2.0

//! Modules that plug in: each kind registers objects by name, and is loaded when a service asks for the name.

mod registration;
pub mod scheduler;

#[doc(hidden)]
pub use knet::rcu_module;
