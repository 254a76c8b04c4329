// SPDX-License-Identifier: GPL-2.0

//! Heads of answers: which are taken, and where their bodies end.

use ktcpvs_core::http::{
    answer::{class_of, Answer, Class, Reader, STATUS_LEN},
    Fault, Framing,
};
use proptest::{collection::vec, prelude::*};

fn read(head: &[u8], is_to_head: bool) -> Result<Option<Answer>, Fault> {
    Reader::new(is_to_head).read(head)
}

/// Status line and fields, whether the request was HEAD, and what is found: the body and whether the connection stays.
type Case = (&'static str, &'static str, bool, Option<(Framing, bool)>);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("HTTP/1.1 200 OK", "Content-Length: 7\r\n", false, Some((Framing::Length(7), true))),
    ("HTTP/1.1 200 OK", "Content-Length: 7\r\n", true, Some((Framing::None, true))),
    ("HTTP/1.1 200", "Content-Length: 7\r\n", false, Some((Framing::Length(7), true))),
    ("HTTP/1.1 200 ", "Content-Length: 7\r\n", false, Some((Framing::Length(7), true))),
    ("HTTP/1.1 200 a\tb \u{fc}", "Content-Length: 7\r\n", false, Some((Framing::Length(7), true))),
    ("HTTP/1.1 200 OK", "", false, Some((Framing::UntilClose, false))),
    ("HTTP/1.1 200 OK", "Connection: close\r\nContent-Length: 0\r\n", false, Some((Framing::Length(0), false))),
    ("HTTP/1.0 200 OK", "Content-Length: 7\r\n", false, Some((Framing::Length(7), false))),
    ("HTTP/1.0 200 OK", "Content-Length: 7\r\nConnection: keep-alive\r\n", false, Some((Framing::Length(7), true))),
    ("HTTP/1.1 204 No Content", "", false, Some((Framing::None, true))),
    ("HTTP/1.1 304 Not Modified", "Content-Length: 7\r\n", false, Some((Framing::None, true))),
    ("HTTP/1.1 100 Continue", "", false, Some((Framing::None, true))),
    ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket\r\nConnection: upgrade\r\n", false, Some((Framing::None, true))),
    ("HTTP/1.1 999 Odd", "Content-Length: 0\r\n", false, Some((Framing::Length(0), true))),
    ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", false, Some((Framing::Chunked, true))),
    ("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked\r\n", false, Some((Framing::Chunked, true))),
    ("HTTP/1.1 200 OK", "Transfer-Encoding: gzip\r\n", false, Some((Framing::UntilClose, false))),
    ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked, gzip\r\n", false, Some((Framing::UntilClose, false))),
    ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", false, None),
    ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked;a\r\n", false, None),
    ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", false, None),
    ("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n", false, None),
    ("HTTP/1.1 200 OK", "Content-Length: 7\r\nContent-Length: 7\r\n", false, None),
    ("HTTP/1.1 200 OK", "Content-Length: 7, 7\r\n", false, None),
    ("HTTP/1.1 200 OK", "Connection: content-length\r\nContent-Length: 7\r\n", false, None),
    ("HTTP/1.1 200 OK", "Host: a\r\nHost: ,\r\nExpect: x\r\nContent-Length: 1\r\n", false, Some((Framing::Length(1), true))),
    ("HTTP/1.1 200 OK", "A : b\r\n", false, None),
    ("HTTP/1.1 200 OK", " A: b\r\n", false, None),
    ("HTTP/1.1 200 O\0K", "", false, None),
    ("HTTP/1.1 2000 OK", "", false, None),
    ("HTTP/1.1 20 OK", "", false, None),
    ("HTTP/1.1 099 OK", "", false, None),
    ("HTTP/1.1  200 OK", "", false, None),
    ("HTTP/2.0 200 OK", "", false, None),
    ("HTTP/1.1", "", false, None),
    ("ICY 200 OK", "", false, None),
    (" HTTP/1.1 200 OK", "", false, None),
    ("", "", false, None),
];

#[test]
fn each_head_has_one_verdict_in_whatever_pieces_it_comes() {
    for (line, fields, is_to_head, expected) in CASES {
        let head = format!("{line}\r\n{fields}\r\n");
        let head = head.as_bytes();
        let found = read(head, *is_to_head);
        let short = found.map(|it| it.map(|it| (it.framing, it.persists)));
        let verdict = match *expected {
            Some(it) => Ok(Some(it)),
            None => Err(Fault::BadGateway),
        };
        assert_eq!(short, verdict, "{line} {fields}");
        for place in 0..head.len() {
            let mut reader = Reader::new(*is_to_head);
            let first = reader.read(&head[..place]);
            let again = if first == Ok(None) {
                reader.read(head)
            } else {
                first
            };
            assert_eq!(again, found, "{line} {fields} {place}");
        }
    }
}

#[test]
fn interim_answers_and_a_change_of_protocol_are_told_apart() {
    for (status, is_interim, is_switching) in [
        (100, true, false),
        (101, false, true),
        (103, true, false),
        (200, false, false),
    ] {
        let head = format!("HTTP/1.1 {status} x\r\n\r\n");
        let answer = read(head.as_bytes(), false).unwrap().unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.is_interim(), is_interim);
        assert_eq!(answer.is_switching(), is_switching);
    }
}

#[test]
fn a_head_has_a_longest_length() {
    for (fill, expected) in [(16_384 - 24, true), (16_384 - 23, false)] {
        let head = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(fill));
        assert_eq!(read(head.as_bytes(), true).is_ok(), expected);
    }
    let endless = [b"HTTP/1.1 200 ".as_slice(), &[b'x'; 20_000]].concat();
    assert_eq!(read(&endless, true), Err(Fault::BadGateway));
}

proptest! {
    #[test]
    fn pieces_do_not_matter_whatever_the_bytes_are(
        tail in vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), Just(b'a'), any::<u8>()], 0..40),
        place in any::<prop::sample::Index>(),
    ) {
        let head = [b"HTTP/1.1 200 OK\r\nContent-Length: 7".as_slice(), &tail, b"\r\n\r\n"].concat();
        let found = read(&head, false);
        let mut reader = Reader::new(false);
        let first = reader.read(&head[..place.index(head.len())]);
        let again = if first == Ok(None) { reader.read(&head) } else { first };
        prop_assert_eq!(again, found);
    }
}

#[test]
fn the_first_bytes_tell_the_class() {
    for (line, class) in [
        ("HTTP/1.1 200 OK", Some(Class::Successful)),
        ("HTTP/1.0 299 x", Some(Class::Successful)),
        ("HTTP/1.1 304\r\n", Some(Class::Redirection)),
        ("HTTP/1.1 404 Not Found", Some(Class::ClientError)),
        ("HTTP/1.1 503 x", Some(Class::ServerError)),
        ("HTTP/1.1 100 Continue", None),
        ("HTTP/1.1 600 x", None),
        ("HTTP/1.1 2000 x", None),
        ("HTTP/2.0 200 OK", None),
        ("ICY 200 OK and so on", None),
    ] {
        assert_eq!(class_of(line.as_bytes()), class, "{line}");
        assert_eq!(class_of(&line.as_bytes()[..STATUS_LEN]), class, "{line}");
        assert_eq!(class_of(&line.as_bytes()[..STATUS_LEN - 1]), None);
    }
}
