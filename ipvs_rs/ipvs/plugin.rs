// SPDX-License-Identifier: GPL-2.0

//! Modules that plug in: each kind registers an object by name, and is loaded when a service asks for the name.

pub mod scheduler;
