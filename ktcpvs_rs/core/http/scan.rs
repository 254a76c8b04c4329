// SPDX-License-Identifier: GPL-2.0

//! Searches in the bytes of a head, eight bytes at a time where it pays.
//!
//! Most bytes of a head are values of fields, and most of the time that reading one takes is spent here.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// For each byte whether a token may have it (RFC 9110, section 5.6.2).
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &mut [bool] = &mut table;
    let mut byte = 0_u8;
    while let [is_token, behind @ ..] = rest {
        let is_separator = matches!(
            byte,
            b'"' | b'(' | b')' | b',' | b'/' | b':'..=b'@' | b'[' | b'\\' | b']' | b'{' | b'}'
        );
        *is_token = byte.is_ascii_graphic() && !is_separator;
        rest = behind;
        byte = byte.wrapping_add(1);
    }
    table
};

/// Whether a token may have this byte.
#[inline(always)]
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN.get(usize::from(byte)).is_some_and(|it| *it)
}

/// Whether the value of a field may have this byte: no control character but the tab (RFC 9110, section 5.5).
#[inline(always)]
pub(super) const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// The place of the first byte for which `is_it` says so.
///
/// As `Iterator::position`, but without a check that the count does not overflow, which the compiler does not always drop.
#[inline(always)]
pub(super) fn position(bytes: &[u8], is_it: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = 0_usize;
    for byte in bytes {
        if is_it(*byte) {
            return Some(at);
        }
        at = at.wrapping_add(1);
    }
    None
}

/// A word whose bytes have their highest bit set where `word` has a zero byte, and perhaps where a byte above such a one is
/// 1; 0 if and only if there is no zero byte.
#[inline(always)]
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

/// The number of bytes from the start that [`is_text`].
#[inline(always)]
pub(super) fn text_len(bytes: &[u8]) -> usize {
    let (mut len, mut rest) = (0_usize, bytes);
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        // A byte below 0x20 or 0x7F. Tabs are rare, and are told apart one by one.
        let below = word.wrapping_sub(LOW.wrapping_mul(0x20)) & !word & HIGH;
        if below | zero_bytes(word ^ LOW.wrapping_mul(0x7F)) != 0 {
            if let Some(at) = position(chunk, |byte| !is_text(byte)) {
                return len.wrapping_add(at);
            }
        }
        len = len.wrapping_add(8);
        rest = behind;
    }
    let end = position(rest, |byte| !is_text(byte));
    len.wrapping_add(end.unwrap_or(rest.len()))
}

/// The bytes without blanks and tabs at both ends.
#[inline(always)]
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of a list with commas, without the empty ones (RFC 9110, section 5.6.1).
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(trim)
        .filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![8 => Just(b'a'), 1 => Just(b'\t'), 1 => any::<u8>()]
    }

    proptest! {
        #[test]
        fn eight_at_a_time_find_what_one_at_a_time_find(bytes in vec(byte(), 0..64)) {
            let expected = bytes.iter().take_while(|byte| is_text(**byte)).count();
            prop_assert_eq!(text_len(&bytes), expected);
        }
    }

    #[test]
    fn tokens_have_no_separators() {
        for byte in 0..=255_u8 {
            let separator = b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            assert_eq!(
                is_token(byte),
                byte.is_ascii_graphic() && !separator,
                "{byte}"
            );
        }
    }

    #[test]
    fn lists_may_have_empty_elements() {
        let found: Vec<_> = elements(b" a ,, b\t,").collect();
        assert_eq!(found, [b"a", b"b"]);
        assert_eq!(elements(b" , ").count(), 0);
    }
}
