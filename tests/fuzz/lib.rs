// SPDX-License-Identifier: GPL-2.0

//! What the fuzz targets share.

#![forbid(unsafe_code)]

use std::cell::Cell;

use ipvs_core::config::reply::{AttributeSink, Full};
use ipvs_core::flow::HeaderSource;

pub mod packets;
pub mod replies;
pub mod rules;

/// A packet that comes in pieces, so that each read is a copy, and that knows what was read of it.
pub struct Paged<'a> {
    bytes: &'a [u8],
    reads: Cell<usize>,
    reach: Cell<usize>,
}

impl<'a> Paged<'a> {
    /// A packet with these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            reads: Cell::new(0),
            reach: Cell::new(0),
        }
    }

    /// How often it was read.
    pub fn reads(&self) -> usize {
        self.reads.get()
    }

    /// The bytes up to the last one that was read.
    pub fn seen(&self) -> &'a [u8] {
        &self.bytes[..self.reach.get()]
    }
}

impl HeaderSource for Paged<'_> {
    fn bytes<'b>(&'b self, offset: usize, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        self.reads.set(self.reads.get() + 1);
        let found = self.bytes.get(offset..)?.get(..buf.len())?;
        self.reach.set(self.reach.get().max(offset + buf.len()));
        buf.copy_from_slice(found);
        Some(buf)
    }
}

/// Attributes as the kernel lays them out.
#[derive(Default)]
pub struct Written(pub Vec<u8>);

impl AttributeSink for Written {
    fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full> {
        let len = u16::try_from(payload.len() + 4).map_err(|_| Full)?;
        self.0.extend(len.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(payload);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        Ok(())
    }

    fn put_u64(&mut self, kind: u16, value: u64, pad: u16) -> Result<(), Full> {
        self.put(pad, &[])?;
        self.put(kind, &value.to_ne_bytes())
    }

    fn nest(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let mut inner = Self::default();
        fill(&mut inner)?;
        self.put(kind, &inner.0)
    }
}
