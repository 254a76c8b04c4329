// SPDX-License-Identifier: GPL-2.0

//! Where attributes are written to.

use crate::config::Name;

/// The message has no room for the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// A message to which attributes are added: a socket buffer in the kernel, a vector on the host.
pub trait AttributeSink {
    /// Adds an attribute.
    fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full>;

    /// Adds a number of 64 bits in host order. If the number would not be aligned, an empty
    /// attribute of type `pad` is added first.
    ///
    /// As the kernel's `nla_put_u64_64bit`.
    fn put_u64(&mut self, kind: u16, value: u64, pad: u16) -> Result<(), Full>;

    /// Adds an attribute whose payload is the attributes that `fill` adds. Its type is `kind`,
    /// without the flag for nests.
    fn nest(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full>;

    /// Adds a number of 16 bits in host order.
    fn put_u16(&mut self, kind: u16, value: u16) -> Result<(), Full> {
        self.put(kind, &value.to_ne_bytes())
    }

    /// Adds a number of 16 bits in network order.
    fn put_be16(&mut self, kind: u16, value: u16) -> Result<(), Full> {
        self.put(kind, &value.to_be_bytes())
    }

    /// Adds a number of 32 bits in host order.
    fn put_u32(&mut self, kind: u16, value: u32) -> Result<(), Full> {
        self.put(kind, &value.to_ne_bytes())
    }

    /// Adds a name and a NUL.
    fn put_name(&mut self, kind: u16, name: &Name) -> Result<(), Full> {
        let mut text = [0; 17];
        for (to, from) in text.iter_mut().zip(name.as_bytes()) {
            *to = *from;
        }
        let len = name.as_bytes().len().saturating_add(1);
        self.put(kind, text.get(..len).unwrap_or(&text))
    }
}
