// SPDX-License-Identifier: GPL-2.0

//! Messages about messages, numbers of datagrams, and the datagrams that a backup misses.

use ipvs_core::sync::{
    parse, Control, ControlKind, Trailer, Version, Window, Writer, CONTROL_LEN, TRAILER_LEN,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn control() -> impl Strategy<Value = Control> {
    use ControlKind::{Bulk, Hello, Lost, Repeat};
    let kind = prop::sample::select(vec![Hello, Bulk, Lost, Repeat]);
    let words = any::<(u32, u32, u32, u32)>();
    (kind, any::<u16>(), words, any::<bool>()).prop_map(
        |(kind, stream, (epoch, first, last, bulks), bulk_runs)| Control {
            first,
            last,
            bulks,
            bulk_runs,
            ..Control::new(kind, stream, epoch)
        },
    )
}

#[test]
fn a_message_byte_by_byte() {
    let hello = Control {
        first: 0x0102_0304,
        last: 0x0506_0708,
        bulks: 9,
        bulk_runs: true,
        ..Control::new(ControlKind::Hello, 0x0A0B, 0x0C0D_0E0F)
    };
    let bytes = hello.write(7);
    let expected = [
        0, 7, 0, 28, 1, 0x81, 0, 0, 0x0A, 0x0B, 0, 1, 0x0C, 0x0D, 0x0E, 0x0F, 1, 2, 3, 4, 5, 6, 7,
        8, 0, 0, 0, 9,
    ];
    assert_eq!(bytes, expected);
    for (sync_id, is_read) in [(7, true), (0, true), (8, false), (7 + 256, false)] {
        assert_eq!(
            Control::read(&bytes, sync_id).is_some(),
            is_read,
            "{sync_id}"
        );
    }
    // Other directors take it as a datagram of version 0 without entries.
    let entries = parse(&bytes, 7).unwrap();
    assert_eq!((entries.version(), entries.count()), (Version::V0, 0));
}

#[test]
fn a_trailer_is_behind_the_entries() {
    let trailer = Trailer {
        stream: 1,
        sender: 4,
        epoch: 2,
        sequence: 3,
    };
    let mut room = [0; 100];
    let writer = Writer::new(&mut room, 60, Version::V1, 7).unwrap();
    let datagram = writer.finish_numbered(&trailer).to_vec();
    assert_eq!(datagram.len(), 8 + TRAILER_LEN);
    let mut entries = parse(&datagram, 7).unwrap();
    assert!(entries.next().is_none());
    assert_eq!(Trailer::read(entries.rest()), Some(trailer));
}

#[test]
fn each_bit_of_a_message_counts() {
    let bytes = Control {
        first: 5,
        last: 6,
        bulks: 7,
        ..Control::new(ControlKind::Hello, 1, 2)
    }
    .write(7);
    let message = Control::read(&bytes, 7);
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        let read = Control::read(&other, 7);
        match (bit / 8, bit % 8) {
            // Kinds 1, 2, 5 and 6 are known, and 1 became another one.
            (4, 2) => assert_eq!(read.unwrap().kind, ControlKind::Lost),
            (0..8, _) => assert_eq!(read, None, "bit {bit}"),
            // The flags that have no meaning yet.
            (10, _) | (11, 1..) => assert_eq!(read, message, "bit {bit}"),
            _ => assert!(read.is_some() && read != message, "bit {bit}"),
        }
    }
}

#[test]
fn a_cut_trailer_is_none() {
    let trailer = Trailer {
        stream: 1,
        sender: 4,
        epoch: 2,
        sequence: 3,
    };
    let bytes = trailer.write();
    for length in 0..TRAILER_LEN {
        for rest in [&bytes[..length], &bytes[TRAILER_LEN - length..]] {
            assert_eq!((Trailer::read(rest), Trailer::of(rest)), (None, None));
        }
    }
    // Bytes before it are those of entries; behind it there are none.
    let (before, behind) = ([&[9], &bytes[..]].concat(), [&bytes[..], &[9]].concat());
    assert_eq!(
        [&before, &behind].map(|it| Trailer::of(it)),
        [Some(trailer), None]
    );
    assert_eq!([&before, &behind].map(|it| Trailer::read(it)), [None, None]);
    for bit in 0..TRAILER_LEN * 8 {
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        let read = Trailer::read(&other);
        match bit / 8 {
            0..4 => assert_eq!(read, None, "bit {bit}"),
            6..20 => assert!(read.is_some() && read != Some(trailer), "bit {bit}"),
            // The proof of the sender is not read here.
            _ => assert_eq!(read, Some(trailer), "bit {bit}"),
        }
    }
}

#[test]
fn what_is_missing() {
    let mut window = Window::new(10);
    window.came(10);
    window.came(13);
    window.sent(15);
    assert_eq!(window.missing().collect::<Vec<_>>(), [(11, 12), (14, 15)]);
    for number in [12, 11, 11, 3, 14] {
        window.came(number);
    }
    assert_eq!(window.missing().collect::<Vec<_>>(), [(15, 15)]);
    window.came(1 << 20);
    assert!(window.is_lost() && window.missing().next().is_none());
}

proptest! {
    #[test]
    fn messages_are_read_as_they_were_written(message in control(), sync_id in any::<u8>()) {
        let bytes = message.write(sync_id);
        prop_assert_eq!(Control::read(&bytes, sync_id.into()), Some(message));
        for length in 0..CONTROL_LEN {
            prop_assert_eq!(Control::read(&bytes[..length], 0), None);
        }
    }

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = (Control::read(&bytes, 0), Trailer::read(&bytes));
        if let Ok(mut entries) = parse(&bytes, 0) {
            while entries.next().is_some() {}
            prop_assert!(entries.rest().len() <= bytes.len());
        }
    }

    #[test]
    fn a_window_knows_what_has_not_come(
        start in any::<u32>(),
        numbers in prop::collection::vec((0_u32..60, any::<bool>()), 0..60),
    ) {
        let (mut window, mut next, mut missing) = (Window::new(start), 0, BTreeSet::new());
        for (number, is_datagram) in numbers {
            let last = start.wrapping_add(number);
            match is_datagram {
                true => window.came(last),
                false => window.sent(last),
            }
            missing.extend(next..=number);
            next = next.max(number + 1);
            if is_datagram {
                missing.remove(&number);
            }
            if window.is_lost() {
                return Ok(());
            }
            let kept: BTreeSet<u32> = window
                .missing()
                .flat_map(|(first, last)| {
                    first.wrapping_sub(start)..=last.wrapping_sub(start)
                })
                .collect();
            prop_assert_eq!(&kept, &missing);
        }
    }
}
