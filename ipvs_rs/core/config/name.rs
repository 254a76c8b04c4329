// SPDX-License-Identifier: GPL-2.0

//! Names of schedulers, persistence engines and interfaces.

/// The name of a scheduler, persistence engine or interface: up to 16 bytes, none of them NUL.
///
/// # Invariants
///
/// `len` is at most 16.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; 16],
    len: u8,
}

impl Name {
    /// The name with these bytes; [`None`] if there are more than 16, or one of them is NUL.
    pub fn new(name: &[u8]) -> Option<Self> {
        if name.contains(&0) {
            return None;
        }
        let mut bytes = [0; 16];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        let len = u8::try_from(name.len()).ok()?;
        // INVARIANT: a longer name did not fit into `bytes`.
        Some(Self { bytes, len })
    }

    /// The bytes of the name, without a NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..usize::from(self.len))
            .unwrap_or(&self.bytes)
    }
}

impl core::fmt::Debug for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", core::str::from_utf8(self.as_bytes()))
    }
}
