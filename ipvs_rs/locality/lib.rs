// SPDX-License-Identifier: GPL-2.0

//! The memory of the schedulers that care for the locality of destinations, `lblc` and `lblcr`: which servers the packets to
//! each destination go to.

#![forbid(unsafe_code)]

pub mod destination;
pub mod destinations;
pub mod expiration;
mod known;
mod servers;

/// The beginning of our lines in the kernel log.
const __LOG_PREFIX: &[u8] = b"IPVS\0";
