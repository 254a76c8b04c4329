// SPDX-License-Identifier: GPL-2.0

//! Control connections of RTSP.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::app::rtsp::{
    unnamed, Answer, Conversation, Ends, Media, Ports, Segment, LONGEST, MOST,
};
use proptest::{collection::vec, prelude::*, sample::select};

const V4: Ends = Ends {
    family: Family::V4,
    client: Addr::from_v4([192, 0, 2, 2]),
    server: Addr::from_v4([10, 0, 0, 11]),
};
const V6: Ends = Ends {
    family: Family::V6,
    client: Addr::from_v6([0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]),
    server: Addr::from_v6([0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11]),
};
const SETUP: &str = "SETUP rtsp://192.0.2.100/a RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP;unicast;client_port=4588-4589\r\n\r\n";

/// The packets of one conversation, with the sequence numbers of both sides.
struct Talk {
    conversation: Conversation,
    ends: Ends,
    client: u32,
    server: u32,
}

impl Talk {
    fn new(ends: Ends) -> Self {
        Self {
            conversation: Conversation::default(),
            ends,
            client: u32::MAX - 10,
            server: u32::MAX - 70,
        }
    }

    fn says(&mut self, payload: &[u8]) -> bool {
        let sequence = self.client;
        self.client = sequence.wrapping_add(payload.len() as u32);
        let segment = Segment { sequence, payload };
        self.conversation.request(&segment, &self.ends)
    }

    fn hears(&mut self, payload: &[u8]) -> Answer {
        let sequence = self.server;
        self.server = sequence.wrapping_add(payload.len() as u32);
        let segment = Segment { sequence, payload };
        self.conversation.answer(&segment, &self.ends)
    }

    fn remembered(&self) -> Vec<Media> {
        self.conversation.media().collect()
    }
}

const fn ports(rtp: u16, rtcp: u16) -> Ports {
    Ports {
        rtp,
        rtcp: Some(rtcp),
    }
}

const fn media(client: Ports, server: Ports) -> Media {
    Media {
        client: Some(client),
        server,
    }
}

/// What everybody sends.
const USUAL: Media = media(ports(4588, 4589), ports(6256, 6257));

/// A reply with this header.
fn reply(transport: &str) -> String {
    format!("RTSP/1.0 200 OK\r\nCSeq: 3\r\nTransport:{transport}\r\nSession: 7\r\n\r\n")
}

fn all(answer: &Answer) -> Vec<Media> {
    answer.media.iter().flatten().copied().collect()
}

/// The texts that name the server.
fn named(answer: &Answer, payload: &str) -> Vec<String> {
    let places = answer.named.iter().flatten().cloned();
    places.map(|place| payload[place].to_owned()).collect()
}

#[test]
fn transports_of_replies_are_read_in_their_forms() {
    let usual = Some(USUAL);
    for (ends, transport, expected, names) in [
        (V4, " RTP/AVP;unicast;client_port=4588-4589;server_port=6256-6257", usual, None),
        (V4, "RTP/AVP/UDP;client_port=4588-4589;server_port=6256-6257;ssrc=1A2B;mode=\"PLAY\"", usual, None),
        (V4, "\tRTP/SAVPF ; Client_Port = 4588-4589 ; SERVER_PORT=6256-6257 ", usual, None),
        (V4, " RTP/AVP;server_port=6256-6257;client_port=4588-4589;;", usual, None),
        // A name alone, and what nobody knows.
        (V4, " RTP/AVP;append;ttl=3;x;client_port=4588-4589;server_port=6256-6257;y=\"a;server_port=1-2,b\"", usual, None),
        (
            V4,
            " RTP/AVP;client_port=4588-4589;server_port=6256-6257;source=10.0.0.11",
            usual,
            Some("source=10.0.0.11"),
        ),
        (
            V4,
            " RTP/AVP;destination=192.0.2.2; source = \"10.0.0.11\" ;client_port=4588-4589;server_port=6256-6257",
            usual,
            Some("source = \"10.0.0.11\""),
        ),
        (V4, " RTP/AVP;source=media.example.com;client_port=4588-4589;server_port=6256-6257", usual, None),
        // Media of another host, or for another one.
        (V4, " RTP/AVP;source=10.0.0.12;client_port=4588-4589;server_port=6256-6257", None, None),
        (
            V4,
            " RTP/AVP;destination=192.0.2.3;source=10.0.0.11;client_port=4588-4589;server_port=6256-6257",
            None,
            None,
        ),
        (
            V6,
            " RTP/AVP;client_port=4588-4589;server_port=6256-6257;source=[fd00::11];destination=[2001:DB8::2]",
            usual,
            Some("source=[fd00::11]"),
        ),
        (
            V6,
            " RTP/AVP;client_port=4588-4589;server_port=6256-6257;source=fd00:0:0:0:0:0:0:11",
            usual,
            Some("source=fd00:0:0:0:0:0:0:11"),
        ),
        (V6, " RTP/AVP;client_port=4588-4589;server_port=6256-6257;destination=2001:db8::3", None, None),
        // One port, one port for both, and ports that are no neighbours.
        (
            V4,
            " RTP/AVP;client_port=4588;server_port=6256",
            Some(Media {
                client: Some(Ports { rtp: 4588, rtcp: None }),
                server: Ports { rtp: 6256, rtcp: None },
            }),
            None,
        ),
        (V4, " RTP/AVP;client_port=1-1;server_port=1024-1024", Some(media(ports(1, 1), ports(1024, 1024))), None),
        (V4, " RTP/AVP;client_port=9-7;server_port=65535-2000", Some(media(ports(9, 7), ports(65535, 2000))), None),
        // Ports of services.
        (V4, " RTP/AVP;client_port=4588-4589;server_port=1023-1024", None, None),
        (V4, " RTP/AVP;client_port=4588-4589;server_port=6256-1023", None, None),
        // The second of two, of which the first cannot be read.
        (V4, "RTP/AVP;client_port=0-1,RTP/AVP;client_port=4588-4589;server_port=6256-6257", usual, None),
        // On the control connection, and to a group.
        (V4, " RTP/AVP/TCP;unicast;interleaved=0-1", None, None),
        (V4, " RTP/AVP/TCP;client_port=4588-4589;server_port=6256-6257", None, None),
        (V4, " RTP/AVP;interleaved=0-1;client_port=4588-4589;server_port=6256-6257", None, None),
        (V4, " RTP/AVP;multicast;client_port=4588-4589;server_port=6256-6257", None, None),
        // What is no port, or is there twice.
        (V4, " RTP/AVP;client_port=4588-4589;server_port=0-1", None, None),
        (V4, " RTP/AVP;client_port=4588-4589;server_port=6256-65536", None, None),
        (V4, " RTP/AVP;client_port=4588-4589;server_port=6256-", None, None),
        (V4, " RTP/AVP;client_port=4588-4589;server_port=6256-6257-6258", None, None),
        (V4, " RTP/AVP;client_port=4588-4589;server_port=+6256", None, None),
        (V4, " RTP/AVP;client_port=4588-4589;server_port=", None, None),
        (V4, " RTP/AVP;client_port=4588-4589;server_port", None, None),
        (V4, " RTP/AVP;client_port=4588-4589", None, None),
        (V4, " RTP/AVP;server_port=1-2;client_port=4588-4589;server_port=6256-6257", None, None),
        (V4, " RTP/AVP;y=\"a;client_port=4588-4589;server_port=6256-6257", None, None),
        (V4, "", None, None),
        (V4, ";,;=;", None, None),
    ] {
        let text = reply(transport);
        let answer = Talk::new(ends).hears(text.as_bytes());
        assert_eq!(all(&answer), Vec::from_iter(expected), "{transport}");
        assert_eq!(named(&answer, &text), Vec::from_iter(names), "{transport}");
    }
}

#[test]
fn only_good_replies_promise_media() {
    let transport = "Transport: RTP/AVP;client_port=4588-4589;server_port=6256-6257";
    for (first, promises) in [
        ("RTSP/1.0 200 OK", true),
        ("RTSP/1.0 200", true),
        ("RTSP/1.1 201 Low on Storage", true),
        ("RTSP/1.0 200 ", true),
        ("RTSP/1.0 100 Continue", false),
        ("RTSP/1.0 302 Found", false),
        ("RTSP/1.0 461 Unsupported Transport", false),
        ("RTSP/1.0 2000 OK", false),
        ("RTSP/1.0 099 OK", false),
        ("RTSP/1.0 20 OK", false),
        ("RTSP/1.0 200OK", false),
        ("RTSP/2.0 200 OK", false),
        ("RTSP/1.0  200 OK", false),
        ("HTTP/1.0 200 OK", false),
        ("SETUP rtsp://x/ RTSP/1.0", false),
        (" RTSP/1.0 200 OK", false),
        ("x\r\nRTSP/1.0 200 OK", false),
        ("\r\n\nRTSP/1.0 200 OK", true),
    ] {
        for end in ["\r\n", "\n"] {
            let text = format!("{first}{end}{transport}{end}{end}");
            let answer = Talk::new(V4).hears(text.as_bytes());
            let expected = promises.then_some(USUAL);
            assert_eq!(all(&answer), Vec::from_iter(expected), "{text:?}");
        }
    }
}

#[test]
fn the_client_s_ports_are_those_of_its_request_if_the_reply_has_none() {
    let bare = reply(" RTP/AVP;server_port=6256-6257");
    let none = Media {
        client: None,
        server: USUAL.server,
    };
    let offers = "SETUP * RTSP/1.0\r\nTransport: RTP/AVP/TCP;interleaved=0-1,RTP/AVP;client_port=4588-4589\r\n\r\n";
    let other = "OPTIONS * RTSP/1.0\r\n\r\n";
    let again = "SETUP * RTSP/1.0\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n";
    let elsewhere = "PLAY * RTSP/1.0\r\nTransport: RTP/AVP;client_port=4588-4589\r\n\r\n";
    for (requests, expected) in [
        (&[SETUP][..], USUAL),
        (&[offers], USUAL),
        (&[SETUP, other], USUAL),
        (&[SETUP, again], none),
        (&[elsewhere], none),
        (&[], none),
    ] {
        let mut talk = Talk::new(V4);
        for request in requests {
            assert!(talk.says(request.as_bytes()));
        }
        assert_eq!(all(&talk.hears(bare.as_bytes())), [expected]);
        // It was for one answer.
        assert_eq!(all(&talk.hears(bare.as_bytes())), [none]);
    }
    assert_eq!(Vec::from_iter(none.flows()), [(None, 6256), (None, 6257)]);
    assert_eq!(
        Vec::from_iter(USUAL.flows()),
        [(Some(4588), 6256), (Some(4589), 6257)]
    );
    let one = Ports {
        rtp: 4588,
        rtcp: None,
    };
    assert_eq!(
        Vec::from_iter(media(one, USUAL.server).flows()),
        [(Some(4588), 6256)]
    );
}

#[test]
fn bodies_and_frames_are_passed_over() {
    let inner = reply(" RTP/AVP;client_port=4588-4589;server_port=6256-6257");
    let body = format!(
        "RTSP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{inner}",
        inner.len()
    );
    let frame = [&[b'$', 0, 0, inner.len() as u8], inner.as_bytes()].concat();
    let empty = b"$\x01\0\0".to_vec();
    for (title, before) in [
        ("a body", body.clone().into_bytes()),
        ("a frame", frame.clone()),
        ("an empty frame", empty.clone()),
        (
            "all of them",
            [empty, frame, body.into_bytes(), b"\r\n".to_vec()].concat(),
        ),
        (
            "no body",
            b"RTSP/1.0 404 Not Found\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n".to_vec(),
        ),
    ] {
        let whole = [&before, inner.as_bytes()].concat();
        let mut talk = Talk::new(V4);
        assert_eq!(all(&talk.hears(&whole)), [USUAL], "{title}");
        let mut talk = Talk::new(V4);
        let pieces = whole.iter().flat_map(|byte| all(&talk.hears(&[*byte])));
        assert_eq!(Vec::from_iter(pieces), [USUAL], "{title}, byte by byte");
    }
    for length in ["x", "-1", "1x", "", "1000000000", "4\r\nContent-Length: 5"] {
        let text = format!("RTSP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n{inner}");
        let mut talk = Talk::new(V4);
        assert_eq!(all(&talk.hears(text.as_bytes())), [], "{length}");
        // Only up to the end of the packet.
        assert_eq!(all(&talk.hears(inner.as_bytes())), [USUAL], "{length}");
    }
}

#[test]
fn a_head_in_pieces_is_understood_and_changed_as_far_as_it_is_there() {
    let text = reply(" RTP/AVP;client_port=4588-4589;server_port=6256-6257;source=10.0.0.11");
    let at = text.find("source").unwrap();
    for split in 1..text.len() {
        let (first, second) = text.split_at(split);
        let mut talk = Talk::new(V4);
        let one = talk.hears(first.as_bytes());
        let two = talk.hears(second.as_bytes());
        assert_eq!([all(&one), all(&two)].concat(), [USUAL], "{first:?}");
        let names = [named(&one, first), named(&two, second)].concat();
        let is_there = split <= at || split >= text.find("\r\nSession").unwrap() + 2;
        assert_eq!(names.len(), usize::from(is_there), "{first:?}");
        assert!(names.iter().all(|name| name == "source=10.0.0.11"));
    }
}

#[test]
fn long_lines_are_kept_up_to_a_bound() {
    let known = "RTP/AVP;client_port=4588-4589;server_port=6256-6257";
    for (length, is_known) in [(LONGEST, true), (LONGEST + 1, false), (5000, false)] {
        let blanks = " ".repeat(length - "Transport:\r\n".len() - known.len());
        let text = reply(&format!("{blanks}{known}"));
        assert_eq!(all(&Talk::new(V4).hears(text.as_bytes())), [USUAL]);
        let mut talk = Talk::new(V4);
        let (first, second) = text.split_at(text.find("RTP/AVP").unwrap());
        let found = [first, second].map(|part| all(&talk.hears(part.as_bytes())));
        assert_eq!(found.concat().len(), usize::from(is_known), "{length}");
        // The head goes on behind such a line.
        let next = reply(known);
        assert_eq!(all(&talk.hears(next.as_bytes())), [USUAL], "{length}");
    }
    // A long first line is none.
    let mut talk = Talk::new(V4);
    talk.hears(format!("RTSP/1.0 200 {}", "x".repeat(LONGEST)).as_bytes());
    let rest = format!("\r\nTransport: {known}\r\n\r\n");
    assert_eq!(all(&talk.hears(rest.as_bytes())), []);
    assert_eq!(all(&talk.hears(reply(known).as_bytes())), [USUAL]);
    // A line that goes on in the next one has its first part only.
    let folded = reply(" RTP/AVP;client_port=4588-4589;\r\n server_port=6256-6257\r\n Transport: RTP/AVP;server_port=1-2");
    assert_eq!(all(&Talk::new(V4).hears(folded.as_bytes())), []);
}

#[test]
fn packets_that_come_again_or_are_missing_are_read_on_their_own() {
    let text = reply(" RTP/AVP;client_port=4588-4589;server_port=6256-6257;source=10.0.0.11");
    let mut talk = Talk::new(V4);
    let first = talk.hears(text.as_bytes());
    let next = talk.server;
    talk.server = next.wrapping_sub(text.len() as u32);
    assert_eq!(talk.hears(text.as_bytes()), first);
    assert_eq!(talk.server, next);
    // A head that was begun goes on, whatever came again meanwhile.
    let (begin, end) = text.split_at(40);
    talk.hears(begin.as_bytes());
    let next = talk.server;
    // Not where it was: that was read before the last heads, or is media.
    talk.server = next.wrapping_sub(1000);
    assert_eq!(all(&talk.hears(text.as_bytes())), []);
    talk.server = next.wrapping_sub((begin.len() + text.len()) as u32);
    assert_eq!(all(&talk.hears(text.as_bytes())), [USUAL]);
    talk.server = next;
    assert_eq!(all(&talk.hears(end.as_bytes())), [USUAL]);
    // Behind a gap, and what is no message first.
    talk.server = talk.server.wrapping_add(7);
    assert_eq!(all(&talk.hears(&text.as_bytes()[40..])), []);
    assert_eq!(all(&talk.hears(text.as_bytes())), [USUAL]);
}

/// What looks like a reply in media is none, wherever a packet begins that comes again, or that another one is missing before.
#[test]
fn packets_that_begin_inside_of_media_are_not_read() {
    let text = reply(" RTP/AVP;client_port=4588-4589;server_port=6256-6257;source=10.0.0.11");
    let (text, len) = (text.as_bytes(), text.len() as u32);
    let frame = [&[b'$', 1, 0, 2 * text.len() as u8], text, text].concat();
    let before = |talk: &Talk, bytes: u32| talk.server.wrapping_sub(bytes);
    let mut talk = Talk::new(V4);
    assert_eq!(all(&talk.hears(text)), [USUAL]);
    assert_eq!(all(&talk.hears(&frame)), []);
    assert_eq!(all(&talk.hears(&frame)), []);
    let next = talk.server;
    for again in [len, 2 * len, 3 * len + 4] {
        talk.server = before(&talk, again);
        assert_eq!(all(&talk.hears(text)), [], "{again}");
        talk.server = next;
    }
    // With bytes behind it that are new.
    talk.server = before(&talk, len);
    assert_eq!(all(&talk.hears(&[text, &frame, text].concat())), [USUAL]);
    // The head behind the media comes again, and so does one that other bytes follow.
    let next = talk.server;
    talk.server = before(&talk, len);
    assert_eq!(all(&talk.hears(text)), [USUAL]);
    talk.server = before(&talk, len);
    assert_eq!(all(&talk.hears(&[text, text].concat())), [USUAL, USUAL]);
    talk.server = next.wrapping_add(len);
    // The first text of a frame is missing.
    assert_eq!(all(&talk.hears(&frame[..4])), []);
    talk.server = talk.server.wrapping_add(len);
    assert_eq!(all(&talk.hears(&[text, text].concat())), [USUAL]);
}

#[test]
fn media_are_remembered_until_a_teardown() {
    let of = |client: u16, server: u16| {
        reply(&format!(
            " RTP/AVP;client_port={client}-{};server_port={server}-{}",
            client + 1,
            server + 1
        ))
    };
    let stream = |client, server| media(ports(client, client + 1), ports(server, server + 1));
    let mut talk = Talk::new(V4);
    talk.hears(of(2000, 6000).as_bytes());
    talk.hears(of(2002, 6002).as_bytes());
    assert_eq!(talk.remembered(), [stream(2000, 6000), stream(2002, 6002)]);
    // The client uses its ports again.
    talk.hears(of(2000, 6004).as_bytes());
    assert_eq!(talk.remembered(), [stream(2000, 6004), stream(2002, 6002)]);
    for request in [
        "PLAY * RTSP/1.0\r\n\r\n",
        "GET_PARAMETER * RTSP/1.0\r\n\r\n",
    ] {
        assert!(talk.says(request.as_bytes()));
        assert_eq!(talk.remembered().len(), 2);
    }
    assert!(!talk.says(b"RTSP/1.0 200 OK\r\n\r\n"));
    assert!(!talk.says(b"$\0\0\x02ab"));
    for number in 0..20 {
        talk.hears(of(3000 + 2 * number, 6000).as_bytes());
    }
    assert_eq!(talk.remembered().len(), MOST);
    assert!(talk.says(b"TEARDOWN * RTSP/1.0\r\n\r\n"));
    assert_eq!(talk.remembered(), []);
    // More than have an effect, in one packet.
    let many: String = (0..10).map(|number| of(2000 + 2 * number, 6000)).collect();
    assert_eq!(all(&talk.hears(many.as_bytes())).len(), MOST);
}

#[test]
fn the_text_that_means_nothing_has_the_length_of_the_other() {
    assert_eq!(unnamed(&(30..39)), Some(&b"x=xxxxxxx"[..]));
    assert_eq!(unnamed(&(1..257)).map(<[u8]>::len), Some(256));
    assert_eq!(unnamed(&(1..258)), None);
}

/// Pieces of control connections, well formed and not.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let good = select(vec![
        "RTSP/1.0 200 OK\r\n",
        "RTSP/1.0 404 Not Found\r\n",
        "SETUP * RTSP/1.0\r\n",
        "TEARDOWN * RTSP/1.0\r\n",
        "Transport: RTP/AVP;client_port=4588-4589;server_port=6256-6257\r\n",
        "Transport: RTP/AVP;source=10.0.0.11;client_port=4588-4589;server_port=6256-6257\r\n",
        "transport:RTP/AVP/TCP;interleaved=0-1,RTP/AVP;client_port=1-2\r\n",
        "Content-Length: 5\r\n",
        "Session: 7\n",
        "\r\n",
        "$\0\0\u{5}",
        "12345",
        "$",
        "\n",
    ]);
    let any = vec(any::<u8>(), 0..6);
    let piece = prop_oneof![
        9 => good.prop_map(|text| text.as_bytes().to_vec()),
        1 => any
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// What was changed is not changed again, and means the same.
    #[test]
    fn an_answer_without_the_name_promises_the_same(text in pieces()) {
        let answer = Talk::new(V4).hears(&text);
        let mut changed = text.clone();
        for place in answer.named.iter().flatten() {
            changed[place.clone()].copy_from_slice(unnamed(place).unwrap());
        }
        let again = Talk::new(V4).hears(&changed);
        prop_assert_eq!(again.media, answer.media);
        prop_assert!(again.named.iter().all(Option::is_none));
    }

    /// However a text is split where a line or a frame ends, it means the same.
    #[test]
    fn pieces_promise_what_the_whole_does(text in pieces(), at in any::<prop::sample::Index>()) {
        let mut whole = Talk::new(V4);
        let expected = all(&whole.hears(&text));
        let (first, second) = text.split_at(at.index(text.len() + 1));
        let mut talk = Talk::new(V4);
        let mut found = Vec::new();
        for piece in [first, second] {
            if !piece.is_empty() {
                found.extend(all(&talk.hears(piece)));
            }
        }
        // What is no message ends its packet, so that the next one may have more.
        prop_assert!(found.len() >= expected.len());
        prop_assert_eq!(&found[..expected.len()], &expected[..]);
    }

    /// What may be passed over promises nothing, and leads to the same place.
    #[test]
    fn what_is_passed_over_has_nothing(before in pieces(), text in pieces(), after in pieces()) {
        let mut read = Talk::new(V4);
        for payload in [&before, &text] {
            if !payload.is_empty() {
                read.hears(payload);
            }
        }
        let mut passed = Talk::new(V4);
        if !before.is_empty() {
            passed.hears(&before);
        }
        let four = |at: usize| text.get(at..)?.first_chunk().copied();
        let remembered = passed.remembered();
        if !text.is_empty() && passed.conversation.pass_over(false, passed.server, text.len(), four) {
            passed.server = passed.server.wrapping_add(text.len() as u32);
            prop_assert_eq!(read.remembered(), remembered);
            if !after.is_empty() {
                prop_assert_eq!(read.hears(&after), passed.hears(&after));
            }
        }
    }

    #[test]
    fn any_bytes_in_any_order_are_read(packets in vec((any::<u32>(), pieces(), any::<bool>()), 0..20)) {
        let mut conversation = Conversation::default();
        for (sequence, payload, is_of_client) in packets {
            if payload.is_empty() {
                continue;
            }
            let segment = Segment { sequence, payload: &payload };
            if is_of_client {
                conversation.request(&segment, &V6);
                continue;
            }
            for place in conversation.answer(&segment, &V6).named.into_iter().flatten() {
                prop_assert!(payload[place].starts_with(b"source"));
            }
        }
    }
}
