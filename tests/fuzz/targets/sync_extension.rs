// SPDX-License-Identifier: GPL-2.0

//! Any bytes as a message about messages, as a datagram with a trailer, and as the order in which datagrams come: what is
//! read, written again, reads the same; a datagram is proven after it was signed only, and taken once; what is missing is
//! what has not come.

#![no_main]

use std::collections::{BTreeSet, HashSet};

use ipvs_core::sync::{
    parse, sign, Code, Control, Proof, Replay, Replayed, Sender, Trailer, Version, Window,
    CONTROL_LEN, TRAILER_LEN,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    control(data);
    trailer(data);
    // With a size and a mark that are right, for most inputs would end there.
    let mut sized = data.to_vec();
    if let (Some(header), Ok(size)) = (sized.first_chunk_mut::<8>(), u16::try_from(data.len())) {
        let [high, low] = size.to_be_bytes();
        *header = [0, header[1], high, low, header[4] & 7, 0x81, 0, 0];
    }
    if let Some(end) = sized.last_chunk_mut::<TRAILER_LEN>() {
        if data.len() >= CONTROL_LEN + TRAILER_LEN {
            end[..4].copy_from_slice(b"RIPV");
        }
    }
    control(&sized);
    trailer(&sized);
    if let Some((&start, steps)) = data.split_first_chunk::<4>() {
        let start = u32::from_be_bytes(start);
        gaps(start, steps);
        replays(start, steps);
    }
});

fn control(data: &[u8]) {
    let Some(message) = Control::read(data, 0) else {
        return;
    };
    let id = data[1];
    assert_eq!(Control::read(data, id.into()), Some(message));
    assert_eq!(Control::read(&message.write(id), id.into()), Some(message));
    let entries = parse(data, 0).unwrap();
    assert_eq!((entries.version(), entries.count()), (Version::V0, 0));
    if let Some(trailer) = Trailer::of(data).filter(|_| data.len() >= CONTROL_LEN + TRAILER_LEN) {
        let again = message.write_numbered(id, &trailer);
        assert_eq!(Control::read(&again, id.into()), Some(message));
        assert_eq!(Trailer::of(&again), Some(trailer));
    }
}

/// A code in which each bit depends on all bytes.
fn code(key: u8, slices: &[&[u8]]) -> Code {
    let mut state = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D_u128 ^ u128::from(key);
    for byte in slices.concat() {
        state ^= u128::from(byte);
        state = state.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B);
        state ^= state >> 61;
    }
    state.to_be_bytes()
}

fn trailer(data: &[u8]) {
    let proof = |data: &[u8], sender| Proof::of(data, sender, |key, it| Some(code(key, it)));
    let found = Trailer::of(data);
    assert_ne!(proof(data, Sender::Master), Proof::Right);
    let mut signed = data.to_vec();
    let is_signed = sign(&mut signed, Sender::Master, 5, |it| code(5, it));
    assert_eq!(is_signed, found.is_some());
    assert_eq!(Trailer::of(&signed), found);
    if let Some(trailer) = found {
        assert_eq!(Trailer::read(&trailer.write()), found);
        assert_eq!(proof(&signed, Sender::Master), Proof::Right);
        assert_eq!(proof(&signed, Sender::Backup), Proof::Wrong);
    } else {
        assert_eq!(signed, data);
    }
}

/// Two bytes for each datagram: how far it is from the last one, and whether it came or was only told of.
fn steps(bytes: &[u8]) -> impl Iterator<Item = (i64, bool)> + '_ {
    bytes.chunks_exact(2).map(|pair| {
        let step = i64::from(i16::from_be_bytes([pair[0], pair[1]]) >> 1);
        // Mostly short ones, some long ones.
        let step = if pair[0] & 0x70 == 0x70 {
            step
        } else {
            step % 64
        };
        (step, pair[1] & 1 == 0)
    })
}

fn gaps(start: u32, bytes: &[u8]) {
    let (mut window, mut next, mut last) = (Window::new(start), 0_i64, 0);
    let mut missing = BTreeSet::new();
    for (step, has_come) in steps(bytes) {
        last += step;
        // CAST: The number on the wire wraps.
        let number = start.wrapping_add(last as u32);
        match has_come {
            true => window.came(number),
            false => window.sent(number),
        }
        if window.is_lost() {
            return;
        }
        missing.extend(next..=last);
        next = next.max(last + 1);
        if has_come {
            missing.remove(&last);
        }
        let ranges: Vec<_> = window.missing().collect();
        assert!(ranges.len() <= 16);
        let kept: Vec<u32> = ranges
            .iter()
            .flat_map(|&(first, last)| {
                assert!(last.wrapping_sub(first) < 4096);
                (0..=last.wrapping_sub(first)).map(move |step| first.wrapping_add(step))
            })
            .collect();
        assert_eq!(kept.len(), missing.len(), "no number is there twice");
        for number in kept {
            let number = i64::from(number.wrapping_sub(start));
            assert!(missing.contains(&number), "{number}");
        }
    }
}

fn replays(start: u32, bytes: &[u8]) {
    let (mut window, mut highest, mut last) = (Replay::new(1, start), 0_i64, 0_i64);
    let mut taken = HashSet::from([0]);
    for (step, _) in steps(bytes) {
        last += step;
        let expected = match last {
            _ if last <= highest - i64::from(Replay::SIZE) => Err(Replayed::TooOld),
            _ if last < 0 || !taken.insert(last) => Err(Replayed::Twice),
            _ => Ok(()),
        };
        highest = highest.max(last);
        // CAST: The number on the wire wraps.
        let number = start.wrapping_add(last as u32);
        assert_eq!(window.take(1, number), expected);
        assert_eq!(window.take(0, number), Err(Replayed::Epoch));
    }
}
