// SPDX-License-Identifier: GPL-2.0

//! The core library, with atomics that loom follows. What is compiled with this crate under the name `core` runs
//! in a model as it is.

pub use ::core::*;

/// The module of the core library, but for its atomics.
pub mod sync {
    pub use ::core::sync::*;

    pub mod atomic;
}
