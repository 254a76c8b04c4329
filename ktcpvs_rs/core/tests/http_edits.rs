// SPDX-License-Identifier: GPL-2.0

//! What is left out of heads that are passed on, and what is put in.

use ktcpvs_core::http::{
    answer,
    edits::{of_answer, of_request, Edits, Fate, Full, EDITS_MAX},
    request,
};
use proptest::{collection::vec, prelude::*};

fn request_as_sent(head: &str) -> Result<String, Full> {
    let head = head.as_bytes();
    let request = request::Reader::new().read(head).unwrap().unwrap();
    let edits = of_request(head, &request)?;
    let pieces: Vec<_> = edits.pieces(head).collect();
    Ok(String::from_utf8(pieces.concat()).unwrap())
}

fn answer_as_sent(head: &str, fate: Fate) -> String {
    let head = head.as_bytes();
    let answer = answer::Reader::new(false).read(head).unwrap().unwrap();
    let edits = of_answer(head, &answer, fate).unwrap();
    let pieces: Vec<_> = edits.pieces(head).collect();
    String::from_utf8(pieces.concat()).unwrap()
}

#[test]
fn requests_lose_what_was_for_their_connection() {
    for (before, after) in [
        ("A: b\r\n", "A: b\r\n"),
        ("Connection: keep-alive\r\nA: b\r\n", "A: b\r\n"),
        (
            "A: b\r\nConnection: close\r\nKeep-Alive: 5\r\nB: c\r\n",
            "A: b\r\nB: c\r\n",
        ),
        ("X: 1\r\nConnection: x\r\nx: 2\r\nXX: 3\r\n", "XX: 3\r\n"),
        ("Proxy-Connection: x\r\nTE: gzip\r\n", ""),
        ("TE: trailers\r\nConnection: TE\r\n", "TE: trailers\r\n"),
        (
            "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
            "HTTP2-Settings: x\r\n",
        ),
        (
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n",
            "",
        ),
        (
            "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nA: b\r\n",
            "Upgrade: websocket\r\nA: b\r\nConnection: upgrade\r\n",
        ),
    ] {
        for empty_line in ["", "\r\n"] {
            let head = format!("{empty_line}GET / HTTP/1.1\r\nHost: a\r\n{before}\r\n");
            let expected = format!("GET / HTTP/1.1\r\nHost: a\r\n{after}\r\n");
            assert_eq!(request_as_sent(&head), Ok(expected));
        }
    }
}

#[test]
fn answers_say_what_becomes_of_the_connection() {
    for (line, before, fate, after) in [
        ("200 OK", "A: b\r\n", Fate::Persists, "A: b\r\n"),
        (
            "200 OK",
            "A: b\r\n",
            Fate::Closes,
            "A: b\r\nConnection: close\r\n",
        ),
        ("200 OK", "", Fate::KeepsAlive, "Connection: keep-alive\r\n"),
        (
            "200 OK",
            "Connection: close\r\nA: b\r\n",
            Fate::Persists,
            "A: b\r\n",
        ),
        (
            "200 OK",
            "Keep-Alive: 5\r\nUpgrade: h2c\r\n",
            Fate::Closes,
            "Connection: close\r\n",
        ),
        (
            "200 OK",
            "Connection: Set-Cookie\r\nSet-Cookie: a\r\n",
            Fate::Persists,
            "",
        ),
        (
            "100 Continue",
            "Connection: x\r\nX: a\r\n",
            Fate::Closes,
            "",
        ),
        (
            "101 Switching Protocols",
            "Upgrade: websocket\r\nConnection: Upgrade\r\n",
            Fate::Persists,
            "Upgrade: websocket\r\nConnection: upgrade\r\n",
        ),
    ] {
        let head = format!("HTTP/1.1 {line}\r\n{before}\r\n");
        let expected = format!("HTTP/1.1 {line}\r\n{after}\r\n");
        assert_eq!(answer_as_sent(&head, fate), expected);
    }
}

#[test]
fn there_is_a_greatest_number_of_changes() {
    let fields = |count| "Connection: a\r\nX: y\r\n".repeat(count);
    let head = |count| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", fields(count));
    assert!(request_as_sent(&head(EDITS_MAX)).is_ok());
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\nX: y\r\n";
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{upgrade}{}\r\n", fields(15));
    assert_eq!(request_as_sent(&head), Err(Full));
    let side_by_side = "Keep-Alive: a\r\n".repeat(100);
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{side_by_side}\r\n");
    assert!(request_as_sent(&head).is_ok());
}

#[test]
fn changes_come_in_order() {
    let mut edits = Edits::new();
    assert_eq!(edits.replace(5..6, b"x"), Ok(()));
    assert_eq!(edits.replace(4..5, b""), Err(Full));
    assert_eq!(edits.replace(5..7, b""), Err(Full));
    assert_eq!(edits.replace(6..6, b"y"), Ok(()));
    assert_eq!(
        edits.pieces(b"01234567").collect::<Vec<_>>().concat(),
        b"01234xy67"
    );
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("Connection: keep-alive\r\n".to_owned()),
        Just("Connection: close, Foo\r\n".to_owned()),
        Just("Foo: bar\r\n".to_owned()),
        Just("Keep-Alive: 5\r\n".to_owned()),
        Just("TE: trailers\r\n".to_owned()),
        Just("Upgrade: websocket\r\n".to_owned()),
        Just("Connection: upgrade\r\n".to_owned()),
        "[A-Z][a-z]{4}: [ -~]{0,10}\r\n",
    ]
}

proptest! {
    #[test]
    fn what_is_passed_on_means_the_same_and_has_nothing_left_to_drop(
        fields in vec(field(), 0..12),
        has_body in any::<bool>(),
        is_old in any::<bool>(),
    ) {
        let length = if has_body { "Content-Length: 5\r\n" } else { "" };
        let version = if is_old { "HTTP/1.0" } else { "HTTP/1.1" };
        let head = format!("\r\nPOST /x?y {version}\r\nHost: a\r\n{}{length}\r\n", fields.concat());
        let Ok(Some(read)) = request::Reader::new().read(head.as_bytes()) else {
            return Ok(());
        };
        let sent = request_as_sent(&head).unwrap();
        let again = request::Reader::new().read(sent.as_bytes()).unwrap().unwrap();
        prop_assert_eq!(usize::from(again.len), sent.len());
        prop_assert_eq!(again.framing, read.framing);
        prop_assert_eq!(again.upgrades, read.upgrades);
        prop_assert_eq!(again.path(sent.as_bytes()), read.path(head.as_bytes()));
        prop_assert!(again.upgrades || !again.is_edited);
        prop_assert_eq!(request_as_sent(&sent), Ok(sent));
    }
}
