// SPDX-License-Identifier: GPL-2.0

//! What users read and set in files, and find in the kernel log.

pub mod presence;
pub(crate) mod proc;
pub(crate) mod sysctl;
