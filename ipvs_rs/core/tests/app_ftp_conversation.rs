// SPDX-License-Identifier: GPL-2.0

//! The packets of FTP control connections, one after the other.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::app::ftp::conversation::{Answer, Conversation, Request, Segment, TooMany};
use ipvs_core::app::ftp::{Endpoint, Form};
use proptest::prelude::*;

const CLIENT: Addr = Addr::from_v4([192, 0, 2, 2]);
const OTHER: Addr = Addr::from_v4([192, 0, 2, 3]);
const PORT: &[u8] = b"PORT 192,0,2,2,4,1\r\n";
const PASSIVE: &[u8] = b"227 Entering Passive Mode (10,0,0,11,4,2).\r\n";

const fn segment(sequence: u32, payload: &[u8]) -> Segment<'_> {
    Segment {
        family: Family::V4,
        sequence,
        payload,
    }
}

/// The packets of one conversation, with the sequence numbers of both sides.
struct Talk {
    conversation: Conversation,
    client: u32,
    server: u32,
}

impl Talk {
    fn new() -> Self {
        Self {
            conversation: Conversation::default(),
            client: u32::MAX - 10,
            server: 7,
        }
    }

    fn says(&mut self, payload: &[u8]) -> Request {
        let request = self
            .conversation
            .request(&segment(self.client, payload), Some(CLIENT))
            .unwrap();
        self.client = self.client.wrapping_add(payload.len() as u32);
        request
    }

    fn hears(&mut self, payload: &[u8]) -> Answer {
        let answer = self
            .conversation
            .answer(&segment(self.server, payload))
            .unwrap();
        self.server = self.server.wrapping_add(payload.len() as u32);
        answer
    }
}

fn ports_of(request: &Request) -> Vec<u16> {
    request
        .listening
        .iter()
        .flatten()
        .map(|it| it.port)
        .collect()
}

fn listening(answer: &Answer) -> Vec<(Form, u16)> {
    let replies = answer.listening.iter().flatten();
    replies.map(|it| (it.form, it.port)).collect()
}

#[test]
fn a_reply_counts_if_it_was_asked_for() {
    let mut talk = Talk::new();
    assert_eq!(listening(&talk.hears(PASSIVE)), []);
    talk.says(b"PASV\r\n");
    assert_eq!(listening(&talk.hears(PASSIVE)), [(Form::Classic, 1026)]);
    talk.says(b"EPSV\r\n");
    assert_eq!(listening(&talk.hears(PASSIVE)), []);
    let extended = b"229 Extended (|||1027|)\r\n";
    assert_eq!(listening(&talk.hears(extended)), [(Form::Extended, 1027)]);
}

#[test]
fn a_reply_that_could_not_be_rewritten_is_so_when_it_comes_again() {
    let mut talk = Talk::new();
    talk.says(b"PASV\r\n");
    let before = talk.conversation;
    let sequence = talk.server;
    assert_eq!(listening(&talk.hears(PASSIVE)).len(), 1);
    // It was dropped, and comes again.
    talk.conversation = before;
    talk.server = sequence;
    assert_eq!(listening(&talk.hears(PASSIVE)).len(), 1);
    // It was lost behind us, and comes again.
    talk.server = sequence;
    assert_eq!(listening(&talk.hears(PASSIVE)).len(), 1);
}

#[test]
fn commands_are_read_however_they_are_split() {
    for at in 1..PORT.len() {
        let mut talk = Talk::new();
        talk.says(b"USER anonymous\r\n");
        let (first, second) = PORT.split_at(at);
        assert_eq!(ports_of(&talk.says(first)), [], "{at}");
        assert_eq!(ports_of(&talk.says(second)), [1025], "{at}");
        talk.says(&b"PASV\r\n"[..at.min(5)]);
        talk.says(&b"PASV\r\n"[at.min(5)..]);
        assert_eq!(listening(&talk.hears(PASSIVE)).len(), 1, "{at}");
    }
    let mut talk = Talk::new();
    let ports: Vec<_> = PORT
        .iter()
        .flat_map(|byte| ports_of(&talk.says(&[*byte])))
        .collect();
    assert_eq!(ports, [1025]);
}

#[test]
fn a_packet_that_comes_again_breaks_no_command() {
    let mut talk = Talk::new();
    let start = talk.client;
    talk.says(b"NOOP\r\n");
    talk.says(b"PORT 192,0,2");
    let again = segment(start, b"NOOP\r\n");
    talk.conversation.request(&again, Some(CLIENT)).unwrap();
    assert_eq!(ports_of(&talk.says(b",2,4,1\r\n")), [1025]);
}

#[test]
fn the_end_of_a_lost_packet_is_no_command() {
    let mut talk = Talk::new();
    talk.says(b"PORT 192,0,2");
    talk.client = talk.client.wrapping_add(1);
    assert_eq!(
        ports_of(&talk.says(b",2,4,1\r\nPORT 192,0,2,2,4,9\r\n")),
        [1033]
    );
}

#[test]
fn what_begins_like_a_command_and_is_none_ends_with_its_line() {
    let long = [b"PORT ".as_slice(), &[b' '; 200]].concat();
    for start in [b"POR".as_slice(), &long] {
        let mut talk = Talk::new();
        talk.says(start);
        assert_eq!(ports_of(&talk.says(b" X PORT 192,0,2,2,4,1\r\n")), []);
        assert_eq!(ports_of(&talk.says(PORT)), [1025]);
    }
}

#[test]
fn other_hosts_are_refused_unless_they_are_allowed() {
    let text = b"NOOP\r\nPORT  192,0,2,3,4,1\r\nEPRT |1|192.0.2.3|1025|\r\n";
    let mut talk = Talk::new();
    let request = talk.says(text);
    assert_eq!(ports_of(&request), []);
    let refused: Vec<_> = request.refused.iter().flatten().collect();
    let arguments: Vec<_> = refused.iter().map(|&it| &text[it.clone()]).collect();
    assert_eq!(
        arguments,
        [b"192,0,2,3,4,1".as_slice(), b"|1|192.0.2.3|1025|"]
    );
    let all = Conversation::default()
        .request(&segment(1, text), None)
        .unwrap();
    let endpoint = Endpoint {
        addr: OTHER,
        port: 1025,
    };
    assert_eq!(all.listening[..2], [Some(endpoint); 2]);
    // Of one that was split, nothing is prepared.
    let mut talk = Talk::new();
    talk.says(b"PORT 192,0,2,3");
    assert_eq!(talk.says(b",4,1\r\n"), Request::default());
}

#[test]
fn a_reply_in_pieces_is_made_an_error_if_the_client_waits_for_it() {
    let mut talk = Talk::new();
    assert_eq!(talk.hears(b"227 Entering").refused, None);
    for length in 1..PASSIVE.len() - 1 {
        let mut talk = Talk::new();
        talk.says(b"PASV\r\n");
        let text = [b"200 first\r\n", &PASSIVE[..length]].concat();
        assert_eq!(talk.hears(&text).refused, Some(11), "{length}");
    }
    let mut talk = Talk::new();
    talk.says(b"PASV\r\n");
    assert_eq!(talk.hears(b"5").refused, None);
    talk.hears(b"00 no\r\n");
    talk.hears(PASSIVE);
    assert_eq!(talk.hears(b"2").refused, None);
}

#[test]
fn a_packet_with_too_many_of_them_changes_nothing() {
    let mut talk = Talk::new();
    let many = PORT.repeat(5);
    let found = talk.conversation.request(&segment(1, &many), Some(CLIENT));
    assert_eq!(found, Err(TooMany));
    assert_eq!(ports_of(&talk.says(&PORT.repeat(4))), [1025; 4]);
    talk.says(b"PASV\r\n");
    let many = PASSIVE.repeat(5);
    assert_eq!(talk.conversation.answer(&segment(1, &many)), Err(TooMany));
}

proptest! {
    #[test]
    fn any_packets_are_read_to_their_end(
        packets in prop::collection::vec((any::<bool>(), 0_u32..40, "(PASV|PORT|EPRT|227|229|[ -~\r\n]){0,40}"), 0..20)
    ) {
        let mut conversation = Conversation::default();
        for (is_request, sequence, payload) in packets {
            let segment = segment(sequence, payload.as_bytes());
            if is_request {
                if let Ok(request) = conversation.request(&segment, Some(CLIENT)) {
                    for range in request.refused.iter().flatten() {
                        assert!(range.end <= payload.len() && range.start < range.end);
                    }
                }
            } else if let Ok(answer) = conversation.answer(&segment) {
                for reply in answer.listening.iter().flatten() {
                    assert!(reply.place.end <= payload.len());
                }
                assert!(answer.refused.is_none_or(|at| at < payload.len()));
            }
        }
    }
}
