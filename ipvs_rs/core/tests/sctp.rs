// SPDX-License-Identifier: GPL-2.0

//! The state machine of SCTP.

use ipvs_core::conn::ConnFlags;
use ipvs_core::proto::sctp::{next, transition, Event, State};
use ipvs_core::proto::transition::Activity;
use ipvs_core::proto::Direction;
use proptest::prelude::*;

/// From the specification: direction, event, and the next state for each current one.
const SPECIFICATION: &str = "
| dir | event | NO | I1 | IN | CS | CR | CW | CO | CE | ES | SS | SR | SA | RJ | CL |
| IN | DATA | ES | I1 | IN | CS | CR | CW | CO | CE | ES | SS | SR | SA | RJ | CL |
| IN | INIT | I1 | IN | IN | CS | CR | CW | CO | CE | ES | SS | SR | SA | IN | IN |
| IN | INIT-ACK | CW | CW | CW | CS | CR | CO | CO | CE | ES | SS | SR | SA | RJ | CL |
| IN | COOKIE-ECHO | CR | IN | IN | CR | CR | CW | CO | CE | ES | SS | SR | SA | RJ | CL |
| IN | COOKIE-ACK | ES | I1 | IN | CS | CR | CW | CO | ES | ES | SS | SR | SA | RJ | CL |
| IN | SHUTDOWN | SR | I1 | IN | CS | CR | CW | CO | CE | SR | SS | SR | SA | RJ | CL |
| IN | SHUT-ACK | CL | IN | IN | CS | CR | CW | CO | CE | ES | CL | SR | CL | RJ | CL |
| IN | SHUT-COMPL | CL | CL | CL | CS | CR | CW | CO | CE | ES | SS | SR | CL | RJ | CL |
| IN | ERROR | CL | I1 | IN | CS | CR | CW | CO | CL | ES | SS | SR | SA | RJ | CL |
| IN | ABORT | CL | CL | CL | CL | CL | RJ | CL | CL | CL | CL | CL | CL | CL | CL |
| OUT | DATA | ES | I1 | IN | CS | CR | CW | CO | CE | ES | SS | SR | SA | RJ | CL |
| OUT | INIT | CW | CW | CW | CW | CW | CW | CW | CW | ES | CW | CW | CW | CW | CW |
| OUT | INIT-ACK | CS | CS | CS | CS | CR | CW | CO | CE | ES | SS | SR | SA | RJ | CL |
| OUT | COOKIE-ECHO | CE | CE | CE | CE | CE | CE | CE | CE | ES | SS | SR | SA | RJ | CL |
| OUT | COOKIE-ACK | ES | ES | ES | ES | ES | ES | ES | ES | ES | SS | SR | SA | RJ | CL |
| OUT | SHUTDOWN | SS | SS | SS | SS | SS | SS | SS | SS | SS | SS | SR | SA | RJ | CL |
| OUT | SHUT-ACK | SA | SA | SA | SA | SA | CW | CO | CE | ES | SA | SA | SA | RJ | CL |
| OUT | SHUT-COMPL | CL | I1 | IN | CS | CR | CW | CO | CE | ES | SS | SR | SA | RJ | CL |
| OUT | ERROR | CL | CL | CL | CL | CL | CW | CO | CE | ES | SS | SR | SA | RJ | CL |
| OUT | ABORT | CL | RJ | CL | CL | CL | CL | CL | CL | CL | CL | CL | CL | CL | CL |
| IN-ONLY | DATA | ES | I1 | IN | CS | CR | ES | CO | CE | ES | SS | SR | SA | RJ | CL |
| IN-ONLY | INIT | I1 | IN | IN | IN | IN | IN | CO | CE | ES | SS | SR | SA | IN | IN |
| IN-ONLY | INIT-ACK | CE | CE | CE | CE | CE | CE | CO | CE | ES | SS | SR | SA | RJ | CL |
| IN-ONLY | COOKIE-ECHO | ES | ES | ES | ES | ES | ES | CO | CE | ES | SS | SR | SA | RJ | CL |
| IN-ONLY | COOKIE-ACK | ES | I1 | IN | ES | ES | CW | ES | ES | ES | SS | SR | SA | RJ | CL |
| IN-ONLY | SHUTDOWN | SR | I1 | IN | CS | CR | CW | CO | CE | SR | SS | SR | SA | RJ | CL |
| IN-ONLY | SHUT-ACK | CL | IN | IN | CS | CR | CW | CO | CE | CL | CL | SR | CL | RJ | CL |
| IN-ONLY | SHUT-COMPL | CL | CL | CL | CL | CL | CW | CO | CE | ES | SS | CL | CL | RJ | CL |
| IN-ONLY | ERROR | CL | I1 | IN | CS | CR | CW | CO | CE | ES | SS | SR | SA | RJ | CL |
| IN-ONLY | ABORT | CL | CL | CL | CL | CL | RJ | CL | CL | CL | CL | CL | CL | CL | CL |
";

const DIRECTIONS: [(&str, Direction); 3] = [
    ("IN", Direction::Input),
    ("OUT", Direction::Output),
    ("IN-ONLY", Direction::InputOnly),
];
const EVENTS: [(&str, Event); 10] = [
    ("DATA", Event::Data),
    ("INIT", Event::Init),
    ("INIT-ACK", Event::InitAck),
    ("COOKIE-ECHO", Event::CookieEcho),
    ("COOKIE-ACK", Event::CookieAck),
    ("SHUTDOWN", Event::Shutdown),
    ("SHUT-ACK", Event::ShutdownAck),
    ("SHUT-COMPL", Event::ShutdownComplete),
    ("ERROR", Event::Error),
    ("ABORT", Event::Abort),
];
const COLUMNS: [&str; State::COUNT] = [
    "NO", "I1", "IN", "CS", "CR", "CW", "CO", "CE", "ES", "SS", "SR", "SA", "RJ", "CL",
];

/// Prints the table as the specification does.
fn dump() -> String {
    let mut out = format!("\n| dir | event | {} |\n", COLUMNS.join(" | "));
    for (direction_name, direction) in DIRECTIONS {
        for (event_name, event) in EVENTS {
            out += &format!("| {direction_name} | {event_name} |");
            for state in State::ALL {
                let cell = next(direction, event, state);
                out += &format!(" {} |", COLUMNS[usize::from(cell.number())]);
            }
            out += "\n";
        }
    }
    out
}

#[test]
fn the_table_is_that_of_the_specification() {
    assert_eq!(dump(), SPECIFICATION);
}

#[test]
fn states_have_these_names_and_times() {
    let found = State::ALL.map(|state| (state.name(), state.timeout()));
    let expected = [
        ("NONE", 2),
        ("INIT1", 4),
        ("INIT", 61),
        ("C-SENT", 61),
        ("C-REPLIED", 61),
        ("C-WAIT", 61),
        ("COOKIE", 61),
        ("C-ECHOED", 61),
        ("ESTABLISHED", 900),
        ("S-SENT", 61),
        ("S-RECEIVED", 61),
        ("S-ACK-SENT", 61),
        ("REJECTED", 4),
        ("CLOSED", 61),
    ];
    assert_eq!(found, expected);
    for number in 0..=u8::MAX {
        let state = State::from_number(number);
        assert_eq!(state.map(State::number), (number < 14).then_some(number));
    }
}

/// An SCTP packet with these chunks: type, length field, and the bytes behind the chunk header.
fn packet(chunks: &[(u8, u16, usize)]) -> Vec<u8> {
    let mut packet = vec![0; 12];
    for &(kind, length, bytes) in chunks {
        packet.extend([kind, 0]);
        packet.extend(length.to_be_bytes());
        packet.extend(vec![0; bytes]);
    }
    packet
}

#[test]
fn the_first_chunk_decides() {
    let cut = |mut packet: Vec<u8>, length| {
        packet.truncate(length);
        packet
    };
    for (sentence, packet, event) in [
        ("no chunk", packet(&[]), None),
        ("half a chunk", cut(packet(&[(1, 20, 16)]), 15), None),
        (
            "a chunk header only",
            packet(&[(1, 20, 0)]),
            Some(Event::Init),
        ),
        ("an empty chunk", packet(&[(0, 0, 0)]), Some(Event::Data)),
        ("heartbeat", packet(&[(4, 4, 0)]), Some(Event::Data)),
        ("heartbeat ack", packet(&[(5, 4, 0)]), Some(Event::Data)),
        ("ECNE", packet(&[(12, 8, 4)]), Some(Event::Data)),
        ("unknown", packet(&[(200, 8, 4)]), Some(Event::Data)),
        (
            "data, then abort",
            packet(&[(0, 8, 4), (6, 4, 0)]),
            Some(Event::Data),
        ),
        (
            "init, then abort",
            packet(&[(1, 8, 4), (6, 4, 0)]),
            Some(Event::Init),
        ),
        (
            "cookie echo",
            packet(&[(10, 8, 4)]),
            Some(Event::CookieEcho),
        ),
        (
            "cookie echo, then data",
            packet(&[(10, 8, 4), (0, 8, 4)]),
            Some(Event::CookieEcho),
        ),
        (
            "cookie echo, then abort",
            packet(&[(10, 8, 4), (6, 4, 0)]),
            Some(Event::Abort),
        ),
        (
            "cookie ack, then abort",
            packet(&[(11, 4, 0), (6, 4, 0)]),
            Some(Event::Abort),
        ),
        (
            "padded cookie, then abort",
            packet(&[(10, 5, 4), (6, 4, 0)]),
            Some(Event::Abort),
        ),
        (
            "cookie of length 3",
            packet(&[(10, 3, 0), (6, 4, 0)]),
            Some(Event::CookieEcho),
        ),
        (
            "cookie beyond the end",
            packet(&[(10, 65535, 4)]),
            Some(Event::CookieEcho),
        ),
        (
            "cookie, then half an abort",
            cut(packet(&[(10, 4, 0), (6, 4, 0)]), 19),
            Some(Event::CookieEcho),
        ),
    ] {
        assert_eq!(Event::of_packet(&packet[..], 0), event, "{sentence}");
    }
}

#[test]
fn associations_walk_through_these_states() {
    let nat = ConnFlags::for_server(0);
    let direct = ConnFlags::for_server(3);
    let (input, output) = (Direction::Input, Direction::Output);
    let setup = [
        (input, Event::Init),
        (output, Event::InitAck),
        (input, Event::CookieEcho),
        (output, Event::CookieAck),
    ];
    let end = [
        (input, Event::Shutdown),
        (output, Event::ShutdownAck),
        (input, Event::ShutdownComplete),
    ];
    let one_way = [
        (input, Event::Init),
        (input, Event::CookieEcho),
        (input, Event::Data),
        (input, Event::Shutdown),
        (input, Event::ShutdownComplete),
    ];
    for (sentence, flags, packets, states) in [
        (
            "set up by NAT",
            nat,
            &setup[..],
            "INIT1 C-SENT C-REPLIED ESTABLISHED+",
        ),
        (
            "ended by the client",
            nat,
            &end[..],
            "S-RECEIVED S-ACK-SENT CLOSED",
        ),
        (
            "direct routing",
            direct,
            &one_way[..],
            "INIT1 ESTABLISHED+ ESTABLISHED S-RECEIVED- CLOSED",
        ),
    ] {
        let (mut flags, mut state, mut walked) = (flags, State::None, Vec::new());
        for &(direction, event) in packets {
            let step = transition(flags, direction, event, state);
            let sign = match step.activity {
                Some(Activity::Activated) => "+",
                Some(Activity::Deactivated) => "-",
                None => "",
            };
            assert_eq!(step.established, sign == "+", "{sentence}");
            walked.push(format!("{}{sign}", step.state.name()));
            (flags, state) = (step.flags, step.state);
        }
        assert_eq!(walked.join(" "), states, "{sentence}");
    }
}

proptest! {
    #[test]
    fn reading_chunks_is_total(packet in prop::collection::vec(any::<u8>(), 0..60), at in 0..80usize) {
        let event = Event::of_packet(&packet[..], at);
        prop_assert_eq!(event.is_some(), packet.len() >= at + 16);
    }
}
