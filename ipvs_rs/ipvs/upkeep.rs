// SPDX-License-Identifier: GPL-2.0

//! Work that is done beside packets and commands: see [`duties`](crate::model::duties) for what calls for it.

mod cleanup;
pub(crate) mod defense;
pub mod devices;
mod early;
pub(crate) mod est;
mod resize;
mod tracking;
mod trash;
