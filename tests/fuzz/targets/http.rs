// SPDX-License-Identifier: GPL-2.0

//! Any bytes as requests or answers of HTTP/1, one behind the other: what is found does not depend on the pieces in which they
//! come in, and what is passed on means the same.

#![no_main]

use ktcpvs_core::http::framing::{Body, Malformed, Need};
use ktcpvs_core::http::{answer, edits, request, Fault, FIELDS_MAX, HEAD_MAX};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, stream)) = data.split_first() else {
        return;
    };
    let (is_answer, step) = (choice & 1 != 0, usize::from(choice >> 2) + 1);
    let mut rest = stream;
    for _ in 0..16 {
        let found = match is_answer {
            true => answers(rest, choice & 2 != 0, step),
            false => requests(rest, step),
        };
        let Some((head, mut body)) = found else {
            return;
        };
        let behind = &rest[head..];
        let end = length(behind, &mut body, step);
        if let Some(whole) = end {
            assert_eq!(length(behind, &mut body.clone(), usize::MAX), Some(0));
            assert!(whole <= behind.len());
            rest = &behind[whole..];
        } else {
            return;
        }
    }
});

/// The length of the head at the start, and its body.
fn requests(bytes: &[u8], step: usize) -> Option<(usize, Body)> {
    let read = |reader: &mut request::Reader, bytes: &[u8]| reader.read(bytes);
    let found = in_pieces(bytes, step, request::Reader::new(), read)?;
    let head = &bytes[..usize::from(found.len)];
    ends_well(head);
    if let Ok(edits) = edits::of_request(head, &found) {
        let sent: Vec<u8> = edits.pieces(head).flatten().copied().collect();
        let again = request::Reader::new().read(&sent).unwrap().unwrap();
        assert_eq!(
            (again.framing, again.upgrades),
            (found.framing, found.upgrades)
        );
        assert_eq!(again.path(&sent), found.path(head));
        assert!(again.upgrades || !again.is_edited);
        assert_eq!(
            edits::of_request(&sent, &again)
                .unwrap()
                .pieces(&sent)
                .collect::<Vec<_>>()
                .concat(),
            sent
        );
    }
    Some((head.len(), Body::new(found.framing)))
}

fn answers(bytes: &[u8], is_to_head: bool, step: usize) -> Option<(usize, Body)> {
    let read = |reader: &mut answer::Reader, bytes: &[u8]| reader.read(bytes);
    let found = in_pieces(bytes, step, answer::Reader::new(is_to_head), read)?;
    let head = &bytes[..usize::from(found.len)];
    ends_well(head);
    if let Ok(edits) = edits::of_answer(head, &found, edits::Fate::Closes) {
        let sent: Vec<u8> = edits.pieces(head).flatten().copied().collect();
        if fits(&sent) {
            let again = answer::Reader::new(is_to_head).read(&sent);
            let again = again.unwrap().unwrap();
            assert_eq!((again.framing, again.status), (found.framing, found.status));
        }
    }
    Some((head.len(), Body::new(found.framing)))
}

/// Whether a reader takes a head of this size. A line was put into it, and it may have been as large as may be before.
fn fits(head: &[u8]) -> bool {
    // Besides those of fields there is the first line, and an empty one.
    let lines = head.iter().filter(|byte| **byte == b'\n').count();
    head.len() <= HEAD_MAX && lines <= FIELDS_MAX + 2
}

/// A head as a whole and in pieces.
fn in_pieces<R: Copy, T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    step: usize,
    reader: R,
    read: impl Fn(&mut R, &[u8]) -> Result<Option<T>, Fault>,
) -> Option<T> {
    let whole = read(&mut reader.clone(), bytes);
    let mut piecewise = reader;
    let mut place = 0;
    let found = loop {
        match read(&mut piecewise, &bytes[..place]) {
            Ok(None) if place < bytes.len() => place = bytes.len().min(place.saturating_add(step)),
            found => break found,
        }
    };
    if found != whole {
        // A fault in the last line may be found when that is complete.
        assert!(found == Ok(None) && whole.is_err() && !bytes.ends_with(b"\n"));
    }
    whole.ok().flatten()
}

fn ends_well(head: &[u8]) {
    let end = head.windows(4).skip(1).position(|four| four == b"\r\n\r\n");
    assert_eq!(end.map(|at| at + 5), Some(head.len()));
    assert!(!head.contains(&0));
}

/// The length of a body that comes in pieces; [`None`] if it goes on or is malformed.
fn length(bytes: &[u8], body: &mut Body, step: usize) -> Option<usize> {
    let mut other = *body;
    let found = walk(bytes, body, step);
    assert_eq!(walk(bytes, &mut other, bytes.len().max(1)), found);
    found.ok().flatten()
}

fn walk(bytes: &[u8], body: &mut Body, step: usize) -> Result<Option<usize>, Malformed> {
    let mut at = 0;
    let mut place = 0;
    while !body.has_ended() {
        if at == place {
            if place == bytes.len() {
                return Ok(None);
            }
            place = bytes.len().min(place.saturating_add(step));
        }
        match body.need() {
            Need::Nothing => {}
            Need::Look => body.look(&bytes[at..place])?,
            Need::Move(count) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX).min(place - at);
                body.moved(count as u64);
                at += count;
            }
        }
    }
    Ok(Some(at))
}
