// SPDX-License-Identifier: GPL-2.0

//! Sets of bytes.

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set([u64; 4]);

impl Set {
    /// All bytes.
    pub(super) const ALL: Self = Self([u64::MAX; 4]);

    /// Puts a byte into the set.
    pub(super) fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1_u64.wrapping_shl(u32::from(byte & 63));
        }
    }

    /// Puts all bytes from `first` to `last` into the set.
    pub(super) fn add_range(&mut self, first: u8, last: u8) {
        for byte in first..=last {
            self.add(byte);
        }
    }

    /// Whether the byte is in the set.
    #[inline]
    pub(super) fn has(&self, byte: u8) -> bool {
        let word = self.0.get(usize::from(byte >> 6)).copied().unwrap_or(0);
        word.wrapping_shr(u32::from(byte & 63)) & 1 == 1
    }

    /// The bytes that are not in the set.
    pub(super) fn complement(self) -> Self {
        Self(self.0.map(|word| !word))
    }

    /// Puts the bytes of a class of characters into the set (IEEE 1003.1, section 7.3.1, the POSIX locale).
    ///
    /// Returns [`None`] if there is no class of this name.
    pub(super) fn add_class(&mut self, name: &[u8]) -> Option<()> {
        let belongs: fn(&u8) -> bool = match name {
            b"alpha" => u8::is_ascii_alphabetic,
            b"digit" => u8::is_ascii_digit,
            b"alnum" => u8::is_ascii_alphanumeric,
            b"upper" => u8::is_ascii_uppercase,
            b"lower" => u8::is_ascii_lowercase,
            b"space" => |byte| matches!(byte, b'\t'..=b'\r' | b' '),
            b"blank" => |byte| matches!(byte, b'\t' | b' '),
            b"punct" => u8::is_ascii_punctuation,
            b"xdigit" => u8::is_ascii_hexdigit,
            b"print" => |byte| matches!(byte, b' '..=b'~'),
            b"graph" => u8::is_ascii_graphic,
            b"cntrl" => u8::is_ascii_control,
            _ => return None,
        };
        for byte in 0..=u8::MAX {
            if belongs(&byte) {
                self.add(byte);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it() {
        let mut set = Set::default();
        set.add(0);
        set.add_range(b'a', b'c');
        set.add_range(255, 255);
        for byte in 0..=255 {
            let is_in = matches!(byte, 0 | b'a'..=b'c' | 255);
            assert_eq!(set.has(byte), is_in);
            assert_eq!(set.complement().has(byte), !is_in);
            assert!(Set::ALL.has(byte));
        }
        assert_eq!(set.add_class(b"digits"), None);
    }
}
