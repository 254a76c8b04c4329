// SPDX-License-Identifier: GPL-2.0

//! Reading netlink attributes: a length and a type of 16 bits each in host order, the payload,
//! and padding to the next multiple of four.
//!
//! The rules are those of the kernel's liberal validation (`lib/nlattr.c`, as used by families
//! older than strict checking): unknown types and trailing bytes are ignored, the last of several
//! attributes of one type counts, and scalars may be longer than needed.

/// The length of the header in front of each payload, in bytes.
const HEADER_LEN: usize = 4;
/// The bits of the type field that are flags: nested, network byte order.
const TYPE_MASK: u16 = 0x3FFF;

/// The attributes in some bytes, in order.
///
/// As the kernel does: ends at the first attribute whose length is wrong.
#[derive(Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iter<'a> {
    /// The attributes in `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Iter<'a> {
    /// Type without flags, and payload.
    type Item = (u16, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let &[l0, l1, k0, k1] = self.rest.first_chunk()?;
        let len = usize::from(u16::from_ne_bytes([l0, l1]));
        let payload = self.rest.get(HEADER_LEN..len)?;
        let padded = len.next_multiple_of(HEADER_LEN);
        self.rest = self.rest.get(padded..).unwrap_or_default();
        Some((u16::from_ne_bytes([k0, k1]) & TYPE_MASK, payload))
    }
}

/// The bit of the type field that says that the payload is a nest of attributes.
pub const NESTED: u16 = 0x8000;

/// The rule for the payload of an attribute.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any payload.
    Any,
    /// At least one byte.
    U8,
    /// At least two bytes.
    U16,
    /// At least four bytes.
    U32,
    /// At most this number of bytes.
    Binary(usize),
    /// At least this number of bytes.
    AtLeast(usize),
    /// A string of at most this number of bytes, and a NUL.
    NulString(usize),
    /// A nest of attributes, or no byte.
    Nested,
}

/// Why an attribute was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The payload is too short or too long; `ERANGE`.
    Range,
    /// A string has no NUL; `EINVAL`.
    Unterminated,
}

impl Kind {
    /// Checks the payload of an attribute of this kind.
    #[inline]
    pub fn check(self, payload: &[u8]) -> Result<(), Defect> {
        let len = payload.len();
        let fits = match self {
            Self::Any => true,
            Self::U8 => len >= 1,
            Self::U16 => len >= 2,
            Self::U32 => len >= 4,
            Self::Binary(max) => len <= max,
            Self::AtLeast(min) => len >= min,
            Self::Nested => len == 0 || len >= HEADER_LEN,
            Self::NulString(max) => return check_string(payload, max),
        };
        if fits {
            Ok(())
        } else {
            Err(Defect::Range)
        }
    }
}

/// Checks a string of at most `max` bytes, and a NUL.
fn check_string(payload: &[u8], max: usize) -> Result<(), Defect> {
    let room = payload.get(..=max).unwrap_or(payload);
    if !room.contains(&0) {
        return Err(Defect::Unterminated);
    }
    // Only a NUL at the very end is not counted.
    match payload.strip_suffix(&[0]).unwrap_or(payload).len() <= max {
        true => Ok(()),
        false => Err(Defect::Range),
    }
}

/// The attributes of types 1 to `N` of a message or a nest.
#[derive(Clone, Debug)]
pub struct Attributes<'a, const N: usize> {
    payloads: [Option<&'a [u8]>; N],
}

impl<'a, const N: usize> Attributes<'a, N> {
    /// No attributes.
    #[inline]
    pub const fn none() -> Self {
        Self {
            payloads: [None; N],
        }
    }

    /// Reads `bytes`, in which an attribute of type `n` must be of the kind `policy[n - 1]`.
    ///
    /// # Errors
    ///
    /// The first [`Defect`] in the order of the bytes.
    pub fn parse(bytes: &'a [u8], policy: &[Kind; N]) -> Result<Self, Defect> {
        let mut attributes = Self::none();
        attributes.read(bytes, policy)?;
        Ok(attributes)
    }

    /// As [`Self::parse`], into this value: a result that holds many attributes is copied on its way to the caller, which
    /// takes longer than to read them.
    ///
    /// # Errors
    ///
    /// See [`Self::parse`].
    pub fn read(&mut self, bytes: &'a [u8], policy: &[Kind; N]) -> Result<(), Defect> {
        for (kind, payload) in Iter::new(bytes) {
            let index = usize::from(kind).wrapping_sub(1);
            if let (Some(rule), Some(slot)) = (policy.get(index), self.payloads.get_mut(index)) {
                rule.check(payload)?;
                *slot = Some(payload);
            }
        }
        Ok(())
    }

    /// The payload of the attribute of type `kind`.
    pub fn bytes(&self, kind: u16) -> Option<&'a [u8]> {
        let index = usize::from(kind).wrapping_sub(1);
        self.payloads.get(index).copied().flatten()
    }

    /// The first `M` bytes of an attribute.
    fn array<const M: usize>(&self, kind: u16) -> Option<[u8; M]> {
        self.bytes(kind)?.first_chunk().copied()
    }

    /// The first `M` bytes of an attribute. Missing bytes are 0.
    #[inline]
    pub fn padded<const M: usize>(&self, kind: u16) -> Option<[u8; M]> {
        let payload = self.bytes(kind)?;
        if let Some(whole) = payload.first_chunk() {
            return Some(*whole);
        }
        let mut out = [0; M];
        for (to, from) in out.iter_mut().zip(payload) {
            *to = *from;
        }
        Some(out)
    }

    /// A byte.
    pub fn u8(&self, kind: u16) -> Option<u8> {
        self.array(kind).map(u8::from_ne_bytes)
    }

    /// A number of 16 bits in host order.
    pub fn u16(&self, kind: u16) -> Option<u16> {
        self.array(kind).map(u16::from_ne_bytes)
    }

    /// A number of 16 bits in network order.
    pub fn be16(&self, kind: u16) -> Option<u16> {
        self.array(kind).map(u16::from_be_bytes)
    }

    /// A number of 32 bits in host order.
    pub fn u32(&self, kind: u16) -> Option<u32> {
        self.array(kind).map(u32::from_ne_bytes)
    }

    /// A string, without its NUL.
    pub fn string(&self, kind: u16) -> Option<&'a [u8]> {
        self.bytes(kind)?.split(|&byte| byte == 0).next()
    }
}
