// SPDX-License-Identifier: GPL-2.0

//! Messages as places for attributes.

use ipvs_core::config::reply::{AttributeSink, Full};
use knet::genetlink::{self, Message, NESTED};

/// A netlink message that is being written.
pub(in crate::control) struct Sink<'m, 'a>(&'m mut Message<'a>);

/// Lets `write` append to `message`.
pub(in crate::control) fn append(
    message: &mut Message<'_>,
    write: impl FnOnce(&mut Sink<'_, '_>) -> Result<(), Full>,
) -> Result<(), genetlink::Full> {
    write(&mut Sink(message)).map_err(|Full| genetlink::Full)
}

impl AttributeSink for Sink<'_, '_> {
    fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full> {
        self.0.put(kind, payload).map_err(full)
    }

    fn put_u64(&mut self, kind: u16, value: u64, pad: u16) -> Result<(), Full> {
        self.0.put_u64(kind, value, pad).map_err(full)
    }

    fn nest(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let nest = self.0.nest_start(kind | NESTED).map_err(full)?;
        match fill(self) {
            Ok(()) => self.0.nest_end(nest),
            Err(Full) => {
                self.0.nest_cancel(nest);
                return Err(Full);
            }
        }
        Ok(())
    }
}

fn full(_: genetlink::Full) -> Full {
    Full
}
