// SPDX-License-Identifier: GPL-2.0

//! The code by which a datagram proves its origin.

use ipvs_core::sync::{
    parse, sign, Authentication, Code, Control, ControlKind, Proof, Sender, Trailer, Version,
    Writer, CODE_LEN, CONTROL_LEN, NUMBERED_CONTROL_LEN, TRAILER_LEN,
};
use proptest::prelude::*;

const TRAILER: Trailer = Trailer {
    stream: 0x0102,
    sender: 0x0B0C_0D0E,
    epoch: 0x0304_0506,
    sequence: 0x0708_090A,
};

/// A code in which each bit depends on all bytes, but not on how they are cut into slices. It is no proof against anybody.
fn code(key: u8, slices: &[&[u8]]) -> Code {
    let mut state = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D_u128 ^ u128::from(key);
    for byte in slices.concat() {
        state ^= u128::from(byte);
        state = state.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B);
        state ^= state >> 61;
    }
    state.to_be_bytes()
}

/// The proof for a receiver that has the keys 1 and 2.
fn proof(datagram: &[u8], sender: Sender) -> Proof {
    Proof::of(datagram, sender, |key, slices| {
        [1, 2].contains(&key).then(|| code(key, slices))
    })
}

/// A datagram without entries, with a trailer.
fn numbered() -> Vec<u8> {
    let mut room = [0; 64];
    let writer = Writer::new(&mut room, 64, Version::V1, 7).unwrap();
    writer.finish_numbered(&TRAILER).to_vec()
}

fn signed(key: u8) -> Vec<u8> {
    let mut datagram = numbered();
    assert!(sign(&mut datagram, Sender::Master, key, |slices| code(
        key, slices
    )));
    datagram
}

#[test]
fn a_signed_datagram_byte_by_byte() {
    let (plain, datagram) = (numbered(), signed(2));
    let mut expected = vec![0, 7, 0, 44, 0, 1, 0, 0];
    expected.extend(b"RIPV");
    expected.extend([1, 2, 1, 2, 11, 12, 13, 14, 3, 4, 5, 6, 7, 8, 9, 10]);
    let whole = [&expected[..], b"M"].concat();
    expected.extend(code(2, &[&whole]));
    assert_eq!(datagram, expected);
    // It says the same as one that is not signed.
    assert_eq!(Trailer::of(&datagram), Some(TRAILER));
    assert_eq!(Trailer::of(&plain), Some(TRAILER));
    let mut entries = parse(&datagram, 7).unwrap();
    assert!(entries.version() == Version::V1 && entries.next().is_none());
    assert_eq!(Trailer::read(entries.rest()), Some(TRAILER));
}

#[test]
fn what_a_receiver_takes() {
    use Authentication::{Off, Optional, Required};
    let absent = vec![0, 7, 0, 8, 0, 1, 0, 0];
    let mut wrong = signed(1);
    *wrong.last_mut().unwrap() ^= 1;
    for (name, datagram, expected, [off, optional, required]) in [
        ("absent", absent, Proof::Absent, [true, true, false]),
        ("empty", vec![], Proof::Absent, [true, true, false]),
        ("unsigned", numbered(), Proof::Unsigned, [true, true, false]),
        ("unknown", signed(3), Proof::UnknownKey, [true, true, false]),
        ("wrong", wrong, Proof::Wrong, [true, false, false]),
        ("right", signed(1), Proof::Right, [true, true, true]),
        ("other key", signed(2), Proof::Right, [true, true, true]),
    ] {
        let found = proof(&datagram, Sender::Master);
        assert_eq!(found, expected, "{name}");
        let taken = [Off, Optional, Required].map(|it| it.takes(found));
        assert_eq!(taken, [off, optional, required], "{name}");
    }
}

#[test]
fn a_datagram_of_a_master_is_none_of_a_backup() {
    assert_eq!(proof(&signed(1), Sender::Backup), Proof::Wrong);
}

#[test]
fn each_bit_of_a_signed_datagram_counts() {
    let datagram = signed(1);
    let trailer = datagram.len() - TRAILER_LEN;
    for bit in 0..datagram.len() * 8 {
        let mut other = datagram.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            at if (trailer..trailer + 4).contains(&at) => Proof::Absent,
            at if at == trailer + 4 && bit % 8 == 0 => Proof::Unsigned,
            at if at == trailer + 5 => Proof::UnknownKey,
            _ => Proof::Wrong,
        };
        let found = proof(&other, Sender::Master);
        assert_eq!(found, expected, "bit {bit}");
        assert!(!Authentication::Required.takes(found));
    }
}

#[test]
fn a_cut_or_longer_datagram_proves_nothing() {
    let datagram = signed(1);
    for length in 0..datagram.len() {
        let found = proof(&datagram[..length], Sender::Master);
        assert_eq!(found, Proof::Absent, "{length}");
    }
    let longer = [&datagram[..], &[0]].concat();
    assert_eq!(proof(&longer, Sender::Master), Proof::Absent);
}

#[test]
fn only_a_datagram_with_a_trailer_is_signed() {
    for length in 0..TRAILER_LEN + 8 {
        let mut datagram = vec![0xA5; length];
        let unchanged = datagram.clone();
        assert!(!sign(&mut datagram, Sender::Master, 1, |_| unreachable!()));
        assert_eq!(datagram, unchanged, "{length}");
    }
}

#[test]
fn a_message_about_messages_is_signed() {
    let request = Control {
        first: 5,
        last: 6,
        ..Control::new(ControlKind::Repeat, 1, 2)
    };
    let mut bytes = request.write_numbered(7, &TRAILER);
    assert_eq!(usize::from(bytes[3]), NUMBERED_CONTROL_LEN);
    assert_eq!(bytes[..3], request.write(7)[..3]);
    assert_eq!(bytes[4..CONTROL_LEN], request.write(7)[4..]);
    assert_eq!(proof(&bytes, Sender::Backup), Proof::Unsigned);
    assert!(sign(&mut bytes, Sender::Backup, 1, |slices| code(
        1, slices
    )));
    assert_eq!(proof(&bytes, Sender::Backup), Proof::Right);
    assert_eq!(proof(&bytes, Sender::Master), Proof::Wrong);
    assert_eq!(Control::read(&bytes, 7), Some(request));
    assert_eq!(Trailer::of(&bytes), Some(TRAILER));
    // Other directors take it as a datagram of version 0 without entries.
    let entries = parse(&bytes, 7).unwrap();
    assert_eq!((entries.version(), entries.count()), (Version::V0, 0));
}

proptest! {
    #[test]
    fn what_is_signed_is_proven(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        trailer in any::<(u16, u32, u32)>(),
        (key, other_key) in any::<(u8, u8)>(),
        is_master in any::<bool>(),
        change in prop::option::of((any::<prop::sample::Index>(), 0_u32..8)),
    ) {
        let (stream, epoch, sequence) = trailer;
        let trailer = Trailer { stream, sender: !epoch, epoch, sequence };
        bytes.extend(trailer.write());
        let sender = if is_master { Sender::Master } else { Sender::Backup };
        prop_assert!(sign(&mut bytes, sender, key, |slices| code(key, slices)));
        let known = |key| move |number, slices: &[&[u8]]| (number == key).then(|| code(key, slices));
        prop_assert_eq!(Trailer::of(&bytes), Some(trailer));
        prop_assert_eq!(Proof::of(&bytes, sender, known(key)), Proof::Right);
        if key != other_key {
            prop_assert_eq!(Proof::of(&bytes, sender, known(other_key)), Proof::UnknownKey);
        }
        if let Some((at, bit)) = change {
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            prop_assert_ne!(Proof::of(&bytes, sender, known(key)), Proof::Right);
        }
    }

    #[test]
    fn any_bytes_prove_nothing(bytes in prop::collection::vec(any::<u8>(), 0..80), with_magic in any::<bool>()) {
        let mut bytes = bytes;
        if let (true, Some(at)) = (with_magic, bytes.len().checked_sub(TRAILER_LEN)) {
            bytes[at..at + 4].copy_from_slice(b"RIPV");
        }
        let found = Proof::of(&bytes, Sender::Master, |key, slices| Some(code(key, slices)));
        prop_assert_eq!(found == Proof::Absent, Trailer::of(&bytes).is_none());
        prop_assert_ne!(found, Proof::Right);
        let mut copy = bytes.clone();
        prop_assert_eq!(sign(&mut copy, Sender::Master, 1, |_| [0; CODE_LEN]), Trailer::of(&bytes).is_some());
    }
}
