// SPDX-License-Identifier: GPL-2.0

//! Attributes as they stand in a request.

use ipvs_core::config::reply::{AttributeSink, Full};
use ipvs_core::nla::NESTED;

/// Attributes that are being written.
#[derive(Default)]
pub struct Attributes(pub(crate) Vec<u8>);

impl Attributes {
    /// Writes the length of the attribute that began at `start`, and its padding.
    fn end(&mut self, start: usize) -> Result<(), Full> {
        let len = self.0.len().checked_sub(start).ok_or(Full)?;
        let len = u16::try_from(len).map_err(|_| Full)?.to_ne_bytes();
        for (to, from) in self.0.iter_mut().skip(start).zip(len) {
            *to = from;
        }
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        Ok(())
    }

    /// Writes a header whose length is filled in by [`end`](Self::end).
    fn begin(&mut self, kind: u16) -> usize {
        let start = self.0.len();
        self.0.extend_from_slice(&[0, 0]);
        self.0.extend_from_slice(&kind.to_ne_bytes());
        start
    }
}

impl AsRef<[u8]> for Attributes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AttributeSink for Attributes {
    fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full> {
        let start = self.begin(kind);
        self.0.extend_from_slice(payload);
        self.end(start)
    }

    fn put_u64(&mut self, kind: u16, value: u64, _pad: u16) -> Result<(), Full> {
        self.put(kind, &value.to_ne_bytes())
    }

    fn nest(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let start = self.begin(kind | NESTED);
        fill(self)?;
        self.end(start)
    }
}
