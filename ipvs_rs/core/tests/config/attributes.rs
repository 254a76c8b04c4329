// SPDX-License-Identifier: GPL-2.0

//! Attributes: what the kernel rejects, and where a list of them ends.

use crate::message::*;
use ipvs_core::nla::{Attributes, Defect, Iter, Kind};

#[test]
fn kinds_reject_what_the_kernel_rejects() {
    let range = Err(Defect::Range);
    let unterminated = Err(Defect::Unterminated);
    for (kind, payload, result) in [
        (Kind::U16, &b"\0"[..], range),
        (Kind::U16, b"\0\0", Ok(())),
        (Kind::U16, b"\0\0\0\0\0", Ok(())),
        (Kind::U8, b"", range),
        (Kind::U32, b"\0\0\0", range),
        (Kind::Binary(2), b"", Ok(())),
        (Kind::Binary(2), b"12", Ok(())),
        (Kind::Binary(2), b"123", range),
        (Kind::AtLeast(2), b"1", range),
        (Kind::AtLeast(2), b"123", Ok(())),
        (Kind::Nested, b"", Ok(())),
        (Kind::Nested, b"123", range),
        (Kind::Nested, b"1234", Ok(())),
        (Kind::Any, b"", Ok(())),
        (Kind::NulString(3), b"", unterminated),
        (Kind::NulString(3), b"\0", Ok(())),
        (Kind::NulString(3), b"abc", unterminated),
        (Kind::NulString(3), b"abc\0", Ok(())),
        (Kind::NulString(3), b"abcd\0", unterminated),
        (Kind::NulString(3), b"a\0\0\0", Ok(())),
        (Kind::NulString(3), b"a\0cd", range),
        (Kind::NulString(3), b"a\0\0\0\0", range),
    ] {
        assert_eq!(kind.check(payload), result, "{kind:?} {payload:?}");
    }
}

#[test]
fn attributes_end_at_the_first_impossible_length() {
    let good = message(&[bytes(1, b"abc"), bytes(2, b"")]);
    for (tail, count) in [
        (&[][..], 2),
        (&[0, 0, 3, 0], 2),
        (&[3, 0, 3, 0], 2),
        (&[9, 0, 3, 0, 1, 2, 3, 4], 2),
        (&[4, 0, 3], 2),
        (&[4, 0, 3, 0], 3),
        (&[5, 0, 3, 0, 1], 3),
    ] {
        let bytes = [&good[..], tail].concat();
        assert_eq!(Iter::new(&bytes).count(), count, "{tail:?}");
    }
}

#[test]
fn the_last_attribute_of_a_type_counts_and_the_first_fault() {
    let policy = [Kind::U16, Kind::NulString(3)];
    let bytes_ = message(&[u16(1, 1), u16(1 | 0x4000, 2), u16(0, 3), u16(3, 4)]);
    let attributes = Attributes::parse(&bytes_, &policy).unwrap();
    assert_eq!(attributes.u16(1), Some(2));
    assert_eq!((attributes.u16(0), attributes.u16(3)), (None, None));
    let bytes_ = message(&[bytes(2, b"no end"), bytes(1, b"")]);
    assert_eq!(
        Attributes::parse(&bytes_, &policy).map(|_| ()),
        Err(Defect::Unterminated)
    );
}
