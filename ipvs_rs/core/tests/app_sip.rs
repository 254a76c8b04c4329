// SPDX-License-Identifier: GPL-2.0

//! The Call-ID of SIP messages.

use ipvs_core::app::sip::{call_id, LONGEST};
use proptest::{collection::vec, prelude::*, sample::select};

/// The Call-ID as the C module reads it.
fn found(message: &str) -> Option<&str> {
    let place = call_id(message.as_bytes(), false)?;
    Some(&message[place])
}

/// A message with this text behind its first line.
fn after_first_line(text: &str) -> String {
    format!("INVITE sip:bob@example.com SIP/2.0\r\n{text}")
}

#[test]
fn a_call_is_known_by_its_header() {
    // (text behind the first line, Call-ID)
    for (text, expected) in [
        ("Call-ID: abc@192.0.2.2\r\n", Some("abc@192.0.2.2")),
        ("Via: SIP/2.0/UDP x\r\nCall-ID: abc\r\n\r\n", Some("abc")),
        // Line ends, and lines that go on.
        ("Call-ID: abc\r", Some("abc")),
        ("Call-ID: abc\n", Some("abc")),
        ("Via: x\nCall-ID: abc\n", Some("abc")),
        ("Via: x\rCall-ID: abc\r", Some("abc")),
        (" Call-ID: abc\r\n", None),
        ("\tCall-ID: abc\r\n", None),
        ("Via: x\r\n Call-ID: abc\r\nCall-ID: def\r\n", Some("def")),
        // The empty line does not end the search.
        ("Via: x\r\n\r\nCall-ID: abc\r\n", Some("abc")),
        ("\r\nCall-ID: abc\r\n", Some("abc")),
        ("\r\n\r\n\r\n\n\n\r\rCall-ID: abc\r\n", Some("abc")),
        // One of CR or LF alone is the beginning of the next line.
        ("Via: x\n\nCall-ID: abc\r\n", None),
        ("Via: x\r\rCall-ID: abc\r\n", None),
        ("Via: x\n\rCall-ID: abc\r\n", None),
        ("Via: x\r\n\rCall-ID: abc\r\n", None),
        ("Via: x\n\r\nCall-ID: abc\r\n", Some("abc")),
        // The name.
        ("call-id: abc\r\n", Some("abc")),
        ("CALL-ID: abc\r\n", Some("abc")),
        ("i: abc\r\n", Some("abc")),
        ("I: abc\r\n", Some("abc")),
        ("i:abc\r\n", Some("abc")),
        ("i \r\n :abc\r\n", Some("abc")),
        ("in: abc\r\n", None),
        ("in: abc\r\ni: def\r\n", Some("def")),
        ("i1: abc\r\n", None),
        ("i", None),
        ("Call-IDs: abc\r\n", None),
        ("X-Call-ID: abc\r\n", None),
        // A header without a colon, or with nothing behind its name or its colon, ends the search.
        ("Call-ID abc\r\n", None),
        ("Call-ID abc\r\nCall-ID: def\r\n", None),
        ("Call-IDs: abc\r\nCall-ID: def\r\n", None),
        ("i1: abc\r\ni: def\r\n", None),
        ("Call-ID\r\nCall-ID: def\r\n", None),
        ("i\r\ni: def\r\n", None),
        ("Call-ID: \r\nCall-ID: abc\r\n", None),
        ("Call-ID:\r\nabc\r\nCall-ID: def\r\n", None),
        // Blanks and folding around the colon.
        ("Call-ID:abc\r\n", Some("abc")),
        ("Call-ID  :   abc\r\n", Some("abc")),
        ("Call-ID\r\n :\r\n  abc\r\n", Some("abc")),
        ("Call-ID:\n\tabc\r\n", Some("abc")),
        ("Call-ID:\r\n\t abc\r\n", Some("abc")),
        ("Call-ID:\tabc\r\n", Some("abc")),
        ("Call-ID\t: \tabc\r\n", Some("abc")),
        ("Call-ID:\r\n \r\n abc\r\n", None),
        ("Call-ID\r\n \r\n : abc\r\n", None),
        ("Call-ID:\x0babc\r\n", None),
        // The value.
        (
            "Call-ID: aZ09!\"%()*+-./:<>?[\\]_`{}~'@x\r\n",
            Some("aZ09!\"%()*+-./:<>?[\\]_`{}~'@x"),
        ),
        ("Call-ID: a@b@c\r\n", None),
        ("Call-ID: a,b\r\n", None),
        ("Call-ID: a;b\r\n", None),
        ("Call-ID: a=b\r\n", None),
        ("Call-ID: a#b\r\n", None),
        ("Call-ID: a$b\r\n", None),
        ("Call-ID: a&b\r\n", None),
        ("Call-ID: a|b\r\n", None),
        ("Call-ID: a^b\r\n", None),
        // An empty value is passed over; the first good one counts.
        ("Call-ID: ,\r\nCall-ID: abc\r\n", Some("abc")),
        ("Call-ID:\r\n \r\nCall-ID: abc\r\n", Some("abc")),
        ("Call-ID: abc@\r\nCall-ID: def\r\n", Some("def")),
        ("Call-ID: @abc\r\nCall-ID: def\r\n", Some("def")),
        ("i: @\r\n", None),
        ("Call-ID: abc\r\nCall-ID: def\r\n", Some("abc")),
        // The byte after the value.
        ("Call-ID: abc", None),
        ("Call-ID: abc \r\n", None),
        ("Call-ID: abc x\r\nCall-ID: def\r\n", None),
        ("Call-ID: abc@x,\r\nCall-ID: def\r\n", None),
        ("", None),
        ("\r\n", None),
    ] {
        let message = after_first_line(text);
        assert_eq!(found(&message), expected, "{text:?}");
    }
}

#[test]
fn letters_of_latin_1_are_letters() {
    for (byte, is_letter) in [
        (0x7F, false),
        (0xA0, false),
        (0xAA, false),
        (0xB5, false),
        (0xC0, true),
        (0xD7, false),
        (0xDF, true),
        (0xF7, false),
        (0xFF, true),
    ] {
        let value = [&b"x\ni: a"[..], &[byte], b"\n"].concat();
        let found = call_id(&value, false).map(|place| &value[place]);
        assert_eq!(found, is_letter.then_some(&[b'a', byte][..]), "{byte:#x}");
        // Behind the short name, it makes another name.
        let name = [&b"x\ni"[..], &[byte], b": a\ni: b\n"].concat();
        let found = call_id(&name, false).map(|place| &name[place]);
        assert_eq!(found, is_letter.then_some(&b"b"[..]), "{byte:#x}");
    }
}

#[test]
fn the_first_line_never_counts() {
    assert_eq!(found("Call-ID: abc\r\n"), None);
    assert_eq!(found("Call-ID: abc\r\nCall-ID: def\r\n"), Some("def"));
    assert_eq!(found("\nCall-ID: abc\r\n"), Some("abc"));
    assert_eq!(found(""), None);
}

#[test]
fn a_call_id_has_at_most_255_bytes() {
    let message = |len| after_first_line(&format!("i: {}\r\ni: short\r\n", "x".repeat(len)));
    assert_eq!(found(&message(LONGEST)), Some(&*"x".repeat(LONGEST)));
    assert_eq!(found(&message(LONGEST + 1)), None);
    let half = "x".repeat(127);
    let whole = format!("{half}@{half}");
    let message = after_first_line(&format!("i: {whole}\r\n"));
    assert_eq!(found(&message), Some(&*whole));
    let message = after_first_line(&format!("i: {whole}x\r\n"));
    assert_eq!(found(&message), None);
}

#[test]
fn a_body_can_be_left_out() {
    for (text, expected) in [
        ("Call-ID: abc\r\n\r\ni: def\r\n", Some("abc")),
        ("Via: x\r\n\r\nCall-ID: abc\r\n", None),
        ("Via: x\n\nCall-ID: abc\r\n", None),
        ("\r\nCall-ID: abc\r\n", None),
    ] {
        let message = after_first_line(text);
        let place = call_id(message.as_bytes(), true);
        assert_eq!(place.map(|place| &message[place]), expected, "{text:?}");
    }
}

const WORD: &str = "[A-Za-z0-9!\"%()*+./:<>?\\[\\\\\\]_`{}~'-]{1,20}";

fn message() -> impl Strategy<Value = Vec<u8>> {
    let pieces: &[&str] = &[
        "\r\n",
        "\n",
        "\r",
        " ",
        "\t",
        ":",
        "@",
        "Call-ID",
        "i",
        "abc",
        "Call-ID: ",
        "x,",
    ];
    let piece = prop_oneof![
        6 => select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_header_of_a_call_is_found_wherever_it_is(
        before in vec("[A-HJ-Z][a-z]{2,5}: [ -~]{0,20}\r\n", 0..5), name in "(Call-ID|call-id|i)( |\r\n )?",
        blanks in "[ \t]{0,3}((\r\n|\n|\r)[ \t]{1,3})?", id in WORD, host in proptest::option::of(WORD), end in "(\r|\n|\r\n)[ -~\r\n]{0,40}",
    ) {
        let id = host.map_or(id.clone(), |host| format!("{id}@{host}"));
        let start = after_first_line(&format!("{}{name}:{blanks}", before.concat()));
        let message = format!("{start}{id}{end}");
        for headers_only in [false, true] {
            let place = call_id(message.as_bytes(), headers_only);
            prop_assert_eq!(place, Some(start.len()..start.len() + id.len()));
        }
    }

    #[test]
    fn what_is_found_lies_in_the_message_and_stays_when_more_follows(message in message(), cut in any::<usize>()) {
        let whole = call_id(&message, false);
        if let Some(place) = whole.clone() {
            prop_assert!(!place.is_empty() && place.len() <= LONGEST);
            prop_assert!(matches!(message[place.end], b'\r' | b'\n'));
            prop_assert!(message[..place.start].iter().any(|byte| matches!(byte, b'\r' | b'\n')));
        }
        let first = call_id(&message[..cut % (message.len() + 1)], false);
        prop_assert!(first.is_none() || first == whole);
        let of_headers = call_id(&message, true);
        prop_assert!(of_headers.is_none() || of_headers == whole);
    }
}
