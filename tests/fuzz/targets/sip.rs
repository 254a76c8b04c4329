// SPDX-License-Identifier: GPL-2.0

//! Any bytes as a SIP message: its Call-ID lies in it behind the first line, has no blanks and a line end behind it, and is found
//! again in a message of that header alone.

#![no_main]

use ipvs_core::app::sip::{call_id, LONGEST};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, message)) = data.split_first() else {
        return;
    };
    let found = call_id(message, false);
    let of_headers = call_id(message, true);
    assert!(of_headers.is_none() || of_headers == found);
    let Some(place) = found else {
        return;
    };
    let id = &message[place.clone()];
    assert!((1..=LONGEST).contains(&id.len()));
    assert!(matches!(message[place.end], b'\r' | b'\n'));
    assert!(id
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte >= 0xC0));
    assert!(id.iter().filter(|byte| **byte == b'@').count() <= 1);
    assert!(message[..place.start]
        .iter()
        .any(|byte| matches!(byte, b'\r' | b'\n')));
    // Text behind the Call-ID, or before the first line, does not change it; a message that ends before has none.
    let longer = [message, &[choice, b'\n', choice]].concat();
    assert_eq!(call_id(&longer, false), Some(place.clone()));
    let later = [&b"a first line"[..], message].concat();
    let moved = place.start + 12..place.end + 12;
    assert_eq!(call_id(&later, false), Some(moved));
    assert_eq!(call_id(&message[..place.end], false), None);
    let alone = [&b"x\ni:"[..], id, b"\n"].concat();
    assert_eq!(call_id(&alone, true), Some(4..4 + id.len()));
});
