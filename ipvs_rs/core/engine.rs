// SPDX-License-Identifier: GPL-2.0

//! The data of persistence engines.

/// The longest data of a persistence engine, in bytes.
pub const ENGINE_DATA_MAX: usize = 255;

/// The data by which a persistence engine finds a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineData<'a> {
    /// The name of the engine, from 1 to 16 bytes without a NUL.
    pub name: &'a [u8],
    /// The data, from 1 to [`ENGINE_DATA_MAX`] bytes.
    pub data: &'a [u8],
}
