// SPDX-License-Identifier: GPL-2.0

//! Heads of requests: which are taken, which are refused with which status, and that the pieces in which they come in do not
//! matter.

use ktcpvs_core::http::{
    request::{Reader, Request},
    Fault, Framing, Version,
};
use proptest::{collection::vec, prelude::*};

type Read = Result<Option<Request>, Fault>;

fn whole(head: &[u8]) -> Read {
    Reader::new().read(head)
}

/// The head as it comes in up to each of these places, and then as a whole.
fn in_pieces(head: &[u8], places: impl IntoIterator<Item = usize>) -> Read {
    let mut reader = Reader::new();
    for place in places {
        match reader.read(&head[..place]) {
            Ok(None) => {}
            result => return result,
        }
    }
    reader.read(head)
}

/// Whether the pieces made no difference, but that a fault in the last line may be found when that is complete.
fn agree(head: &[u8], in_pieces: Read, whole: Read) -> bool {
    let is_later = in_pieces == Ok(None) && whole.is_err() && !head.ends_with(b"\n");
    in_pieces == whole || is_later
}

/// A GET with these lines, which have their ends.
fn get(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

/// A POST with these lines.
fn post(lines: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n")
}

/// The request line with what any request needs.
fn line(line: &str) -> String {
    format!("{line}\r\nHost: a\r\n\r\n")
}

type Expected = Result<(Framing, bool), Fault>;

fn cases() -> Vec<(String, Expected)> {
    use Fault::{
        BadRequest, ExpectationFailed, HeadTooLarge, NotImplemented, UriTooLong,
        VersionNotSupported,
    };
    let plain = Ok((Framing::None, true));
    let length = |bytes| Ok((Framing::Length(bytes), true));
    let chunked = Ok((Framing::Chunked, true));
    let long = |count| "x".repeat(count);
    vec![
        (get(""), plain),
        (format!("\r\n{}", get("")), plain),
        (format!("\r\n\r\n{}", get("")), Err(BadRequest)),
        (format!("\n{}", get("")), Err(BadRequest)),
        (format!(" {}", get("")), Err(BadRequest)),
        // The version.
        ("GET / HTTP/1.0\r\n\r\n".into(), Ok((Framing::None, false))),
        (
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".into(),
            plain,
        ),
        (line("GET / HTTP/1.2"), plain),
        (line("GET / HTTP/2.0"), Err(VersionNotSupported)),
        (line("GET / HTTP/0.9"), Err(VersionNotSupported)),
        (line("GET / HTTP/1"), Err(BadRequest)),
        (line("GET / HTTP/1.10"), Err(BadRequest)),
        (line("GET / http/1.1"), Err(BadRequest)),
        (line("GET / HTTP/1.1 "), Err(BadRequest)),
        (line("GET / HTTP/1.1\t"), Err(BadRequest)),
        (line("GET / FTP/1.1"), Err(BadRequest)),
        (line("GET /"), Err(BadRequest)),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
            Err(VersionNotSupported),
        ),
        ("GET / HTTP/1.1\nHost: a\n\n".into(), Err(BadRequest)),
        ("GET / HTTP/1.1\rHost: a\r\r".into(), Err(BadRequest)),
        // The method.
        (line("g.E-t / HTTP/1.1"), plain),
        (line(&format!("{} / HTTP/1.1", long(32))), plain),
        (
            line(&format!("{} / HTTP/1.1", long(33))),
            Err(NotImplemented),
        ),
        (line("CONNECT a:1 HTTP/1.1"), Err(NotImplemented)),
        (line("GET\t/ HTTP/1.1"), Err(BadRequest)),
        (line("GE(T / HTTP/1.1"), Err(BadRequest)),
        (line(" / HTTP/1.1"), Err(BadRequest)),
        // The target.
        (line("GET  / HTTP/1.1"), Err(BadRequest)),
        (line("GET a HTTP/1.1"), Err(BadRequest)),
        (line("GET /#x HTTP/1.1"), Err(BadRequest)),
        (line("GET /\x7f HTTP/1.1"), Err(BadRequest)),
        (line("GET /a b HTTP/1.1"), Err(BadRequest)),
        (line("GET /\u{fc}?q=\\ HTTP/1.1"), plain),
        (line("GET * HTTP/1.1"), Err(BadRequest)),
        (line("OPTIONS * HTTP/1.1"), plain),
        (line("GET http://a/b HTTP/1.1"), plain),
        (line("GET HTTP://A:80 HTTP/1.1"), plain),
        (line("GET http://b/ HTTP/1.1"), Err(BadRequest)),
        (line("GET http://a:81/ HTTP/1.1"), Err(BadRequest)),
        (line("GET http://u@a/ HTTP/1.1"), Err(BadRequest)),
        (line("GET https://a/ HTTP/1.1"), Err(BadRequest)),
        (line("GET http:///x HTTP/1.1"), Err(BadRequest)),
        (
            "GET http://a/ HTTP/1.0\r\nHost: b\r\n\r\n".into(),
            Err(BadRequest),
        ),
        (
            "GET http://a/ HTTP/1.0\r\n\r\n".into(),
            Ok((Framing::None, false)),
        ),
        (line(&format!("GET /{} HTTP/1.1", long(8192 - 14))), plain),
        (
            line(&format!("GET /{} HTTP/1.1", long(8193 - 14))),
            Err(UriTooLong),
        ),
        (format!("GET /{}", long(20_000)), Err(UriTooLong)),
        // The host.
        ("GET / HTTP/1.1\r\n\r\n".into(), Err(BadRequest)),
        (get("Host: a\r\n"), Err(BadRequest)),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n".into(), Err(BadRequest)),
        (
            "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n".into(),
            Err(BadRequest),
        ),
        (
            "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n".into(),
            Err(BadRequest),
        ),
        // The length of the body.
        (post("Content-Length: 5\r\n"), length(5)),
        (post("content-length:5\r\n"), length(5)),
        (
            post("Content-Length: 9223372036854775807\r\n"),
            length(i64::MAX as u64),
        ),
        (
            post("Content-Length: 9223372036854775808\r\n"),
            Err(BadRequest),
        ),
        (
            post("Content-Length: 5\r\nContent-Length: 5\r\n"),
            Err(BadRequest),
        ),
        (post("Content-Length: 5, 5\r\n"), Err(BadRequest)),
        (post("Content-Length: +5\r\n"), Err(BadRequest)),
        (post("Content-Length: 0x5\r\n"), Err(BadRequest)),
        (post("Content-Length: \r\n"), Err(BadRequest)),
        (post("Content-Length : 5\r\n"), Err(BadRequest)),
        (post("Transfer-Encoding: chunked\r\n"), chunked),
        (post("Transfer-Encoding: ChUnKeD\r\n"), chunked),
        (post("Transfer-Encoding:\tchunked\r\n"), chunked),
        (post("Transfer-Encoding:\x0bchunked\r\n"), Err(BadRequest)),
        (post("Transfer-Encoding: xchunked\r\n"), Err(NotImplemented)),
        (
            post("Transfer-Encoding: gzip, chunked\r\n"),
            Err(NotImplemented),
        ),
        (
            post("Transfer-Encoding: chunked, identity\r\n"),
            Err(NotImplemented),
        ),
        (post("Transfer-Encoding:\r\n"), Err(NotImplemented)),
        (
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            Err(BadRequest),
        ),
        (
            post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
            Err(BadRequest),
        ),
        (
            post("Content-Length: 5\r\nTransfer-Encoding: x\r\n"),
            Err(BadRequest),
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
            Err(BadRequest),
        ),
        // Lines.
        (get("X: a\nY: b\r\n"), Err(BadRequest)),
        (get("X: a\r\n b\r\n"), Err(BadRequest)),
        (get("X: a\rb\r\n"), Err(BadRequest)),
        (get("X: a\0b\r\n"), Err(BadRequest)),
        (get(": a\r\n"), Err(BadRequest)),
        (get("no-colon\r\n"), Err(BadRequest)),
        (get(&"A: b\r\n".repeat(127)), plain),
        (get(&"A: b\r\n".repeat(128)), Err(HeadTooLarge)),
        (get(&format!("A: {}\r\n", long(16_384 - 32))), plain),
        (
            get(&format!("A: {}\r\n", long(16_384 - 31))),
            Err(HeadTooLarge),
        ),
        (
            format!("GET / HTTP/1.1\r\nA: {}", long(20_000)),
            Err(HeadTooLarge),
        ),
        (
            format!("GET / HTTP/1.1\r\nA: {}\x01", long(16_000)),
            Err(BadRequest),
        ),
        // The connection.
        (get("Connection: x, Close\r\n"), Ok((Framing::None, false))),
        (get("Connection: ,\r\n"), plain),
        (get("Connection: Content-Length\r\n"), Err(BadRequest)),
        (get("Connection: close, host\r\n"), Err(BadRequest)),
        (get("Connection: a b\r\n"), Err(BadRequest)),
        (get(&format!("Connection: {}\r\n", "a,".repeat(16))), plain),
        (
            get(&format!("Connection: {}\r\n", "a,".repeat(17))),
            Err(HeadTooLarge),
        ),
        (
            post("Expect: 100-Continue\r\nContent-Length: 5\r\n"),
            length(5),
        ),
        (get("Expect: x\r\n"), Err(ExpectationFailed)),
    ]
}

#[test]
fn each_head_has_one_verdict() {
    for (head, expected) in cases() {
        let read = whole(head.as_bytes());
        let found = read.map(|read| read.map(|it| (it.framing, it.persists)));
        assert_eq!(found, expected.map(Some), "{head:?}");
        if let Ok(Some(request)) = read {
            assert_eq!(usize::from(request.len), head.len());
        }
    }
}

#[test]
fn the_verdict_does_not_depend_on_the_pieces() {
    for (head, _) in cases() {
        let head = head.as_bytes();
        let expected = whole(head);
        assert!(agree(head, in_pieces(head, 0..head.len()), expected));
        // Every place, of heads that do not take for ever.
        let step = head.len() / 300 + 1;
        for place in (0..head.len()).step_by(step) {
            assert!(agree(head, in_pieces(head, [place]), expected), "{place}");
        }
    }
}

#[test]
fn what_is_behind_a_head_is_not_read() {
    let head = post("Content-Length: 5\r\n");
    let (request, behind) = (
        whole(head.as_bytes()),
        [head.as_bytes(), b"\0\xff\n"].concat(),
    );
    assert_eq!(whole(&behind), request);
}

#[test]
fn rules_see_the_path_and_the_query() {
    for (target, path) in [
        ("/", "/"),
        ("/a/b?c=d", "/a/b?c=d"),
        ("http://a/b?c", "/b?c"),
        ("http://a", "/"),
        ("http://a?b", "?b"),
        ("//a/b", "//a/b"),
    ] {
        let head = line(&format!("GET {target} HTTP/1.1"));
        for head in [head.clone(), format!("\r\n{head}")] {
            let request = whole(head.as_bytes()).unwrap().unwrap();
            assert_eq!(request.target.of(head.as_bytes()), target.as_bytes());
            assert_eq!(request.path(head.as_bytes()), path.as_bytes());
            let fields = &head[usize::from(request.fields)..];
            assert_eq!(fields, "Host: a\r\n\r\n");
        }
    }
}

#[test]
fn a_request_says_what_the_relay_must_know() {
    let read = |head: &str| whole(head.as_bytes()).unwrap().unwrap();
    let upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";
    for (lines, upgrades) in [
        (upgrade, true),
        ("Upgrade: websocket\r\n", false),
        ("Connection: upgrade\r\n", false),
        ("Connection: upgrade\r\nUpgrade: h2c\r\n", false),
        ("Connection: upgrade\r\nUpgrade: websocket, h2c\r\n", false),
        (
            "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n",
            false,
        ),
    ] {
        assert_eq!(read(&get(lines)).upgrades, upgrades, "{lines}");
        let old = format!("GET / HTTP/1.0\r\n{lines}\r\n");
        assert!(!read(&old).upgrades);
    }
    for (method, is_idempotent, is_head) in [
        ("GET", true, false),
        ("HEAD", true, true),
        ("DELETE", true, false),
        ("POST", false, false),
        ("get", false, false),
        ("PATCH", false, false),
    ] {
        let method = read(&line(&format!("{method} / HTTP/1.1"))).method;
        assert_eq!(method.is_idempotent(), is_idempotent);
        assert_eq!(method.is_head(), is_head);
    }
    let head = get("Cookie:  a=b \r\nExpect: 100-continue\r\nCookie: c\r\n");
    let request = read(&head);
    assert_eq!(request.cookie.of(head.as_bytes()), b"a=b");
    assert!(request.expects && !request.is_edited && request.version == Version::Http11);
    for (lines, is_edited) in [
        ("Connection: close\r\n", true),
        ("Keep-Alive: 5\r\n", true),
        ("Proxy-Connection: x\r\n", true),
        ("TE: trailers\r\n", false),
        ("TE: gzip\r\n", true),
        ("Upgrade: h2c\r\n", true),
        ("Trailer: x\r\n", false),
    ] {
        assert_eq!(read(&get(lines)).is_edited, is_edited, "{lines}");
    }
}

/// Bytes that matter somewhere in a head.
const BYTES: &[u8] = b"\r\n\t :,;0A\0\xff/*#?@\x7f[]";

/// A head with a few bytes changed, taken out or put in.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<prop::sample::Index>(), 0..3, 0..BYTES.len()), 1..5);
    (0..cases().len(), changes).prop_map(|(case, changes)| {
        let mut head = cases()[case].0.clone().into_bytes();
        head.truncate(600);
        for (at, kind, byte) in changes {
            let at = at.index(head.len().max(1));
            match kind {
                0 if !head.is_empty() => head[at] = BYTES[byte],
                1 if !head.is_empty() => drop(head.remove(at)),
                _ => head.insert(at, BYTES[byte]),
            }
        }
        head
    })
}

proptest! {
    #[test]
    fn pieces_do_not_matter_whatever_the_bytes_are(
        head in mutated(),
        mut places in vec(any::<prop::sample::Index>(), 0..6),
    ) {
        places.sort_by_key(|place| place.index(head.len() + 1));
        let places = places.iter().map(|place| place.index(head.len() + 1));
        prop_assert!(agree(&head, in_pieces(&head, places), whole(&head)));
    }

    #[test]
    fn a_head_that_is_taken_ends_with_its_first_empty_line(head in mutated()) {
        if let Ok(Some(request)) = whole(&head) {
            let end = usize::from(request.len);
            let found = head.windows(4).skip(1).position(|four| four == b"\r\n\r\n");
            prop_assert_eq!(found.map(|at| at + 5), Some(end));
            prop_assert!(!head[..end].contains(&0));
            let line_feeds = head[..end].iter().filter(|byte| **byte == b'\n').count();
            let returns = head[..end].iter().filter(|byte| **byte == b'\r').count();
            let pairs = head[..end].windows(2).filter(|two| two == b"\r\n").count();
            prop_assert!(line_feeds == pairs && returns == pairs);
        }
    }
}

#[test]
fn a_head_is_as_long_as_the_limit_at_most() {
    let head = get("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
    for limit in 0..=head.len() as u16 + 1 {
        let is_long = usize::from(limit) < head.len();
        let mut reader = Reader::with_limit(limit);
        let read = reader.read(head.as_bytes());
        match is_long {
            true => assert_eq!(read, Err(Fault::HeadTooLarge), "{limit}"),
            false => assert!(matches!(read, Ok(Some(_))), "{limit}: {read:?}"),
        }
        // Byte by byte it is the same.
        let mut reader = Reader::with_limit(limit);
        let mut pieces = (0..=head.len()).map(|end| reader.read(&head.as_bytes()[..end]));
        assert_eq!(pieces.find(|read| *read != Ok(None)), Some(read), "{limit}");
    }
    // More than heads can have is not to be had.
    let long = get(&format!("X: {}\r\n", "y".repeat(17_000)));
    let read = Reader::with_limit(u16::MAX).read(long.as_bytes());
    assert_eq!(read, Err(Fault::HeadTooLarge));
}
