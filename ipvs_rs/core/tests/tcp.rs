// SPDX-License-Identifier: GPL-2.0

//! The state machine of TCP, cell by cell and along whole conversations.

use ipvs_core::conn::ConnFlags;
use ipvs_core::proto::tcp::{flags, is_routine, next, transition, Event, State, StateTable};
use ipvs_core::proto::transition::{Activity, ProtocolState};
use ipvs_core::proto::{Direction, Timeouts};
use proptest::prelude::*;

const COLUMNS: &str = "NO ES SS SR FW TW CL CW LA LI SA";

/// The tables as the specification prints them.
const NORMAL: &str = "
| IN | SYN | SR | ES | ES | SR | SR | SR | SR | SR | SR | SR | SR |
| IN | FIN | CL | CW | SS | TW | TW | TW | CL | CW | LA | LI | TW |
| IN | ACK | ES | ES | SS | ES | FW | TW | CL | CW | CL | LI | ES |
| IN | RST | CL | CL | CL | SR | CL | CL | CL | CL | LA | LI | SR |
| OUT | SYN | SS | ES | SS | SR | SS | SS | SS | SS | SS | LI | SR |
| OUT | FIN | TW | FW | SS | TW | FW | TW | CL | TW | LA | LI | TW |
| OUT | ACK | ES | ES | SS | ES | FW | TW | CL | CW | LA | ES | ES |
| OUT | RST | CL | CL | SS | CL | CL | TW | CL | CL | CL | CL | CL |
| IN-ONLY | SYN | SR | ES | ES | SR | SR | SR | SR | SR | SR | SR | SR |
| IN-ONLY | FIN | CL | FW | SS | TW | FW | TW | CL | CW | LA | LI | TW |
| IN-ONLY | ACK | ES | ES | SS | ES | FW | TW | CL | CW | CL | LI | ES |
| IN-ONLY | RST | CL | CL | CL | SR | CL | CL | CL | CL | LA | LI | CL |
";

/// The cells in which the table of `secure_tcp` differs: row, column, normal, secure.
const SECURE_DIFFERS: &str = "
IN SYN SA SR SA
IN FIN SA TW SA
IN ACK SR ES SR
IN ACK SA ES SA
IN RST SA SR CL
OUT SYN SR SR SA
OUT SYN SA SR SA
IN-ONLY SYN NO SR SA
IN-ONLY SYN FW SR SA
IN-ONLY SYN TW SR SA
IN-ONLY SYN CL SR SA
IN-ONLY SYN CW SR SA
IN-ONLY SYN LA SR SA
IN-ONLY SYN LI SR SA
IN-ONLY SYN SA SR SA
";

const DIRECTIONS: [(&str, Direction); 3] = [
    ("IN", Direction::Input),
    ("OUT", Direction::Output),
    ("IN-ONLY", Direction::InputOnly),
];

const EVENTS: [(&str, Event); 4] = [
    ("SYN", Event::Syn),
    ("FIN", Event::Fin),
    ("ACK", Event::Ack),
    ("RST", Event::Rst),
];

fn short(state: State) -> &'static str {
    COLUMNS.split(' ').nth(usize::from(state.number())).unwrap()
}

/// Prints a table as the specification does.
fn dump(table: StateTable) -> String {
    let mut out = String::from("\n");
    for (direction_name, direction) in DIRECTIONS {
        for (event_name, event) in EVENTS {
            out += &format!("| {direction_name} | {event_name} |");
            for state in State::ALL {
                let cell = next(table, direction, Some(event), state);
                out += &format!(" {} |", short(cell));
            }
            out += "\n";
        }
    }
    out
}

#[test]
fn the_normal_table_is_that_of_the_specification() {
    println!("{}", dump(StateTable::Normal));
    assert_eq!(dump(StateTable::Normal), NORMAL);
}

#[test]
fn the_secure_table_differs_in_exactly_the_specified_cells() {
    println!("{}", dump(StateTable::Secure));
    let mut differs = String::from("\n");
    for (direction_name, direction) in DIRECTIONS {
        for (event_name, event) in EVENTS {
            for state in State::ALL {
                let normal = next(StateTable::Normal, direction, Some(event), state);
                let secure = next(StateTable::Secure, direction, Some(event), state);
                if normal != secure {
                    differs += &format!(
                        "{direction_name} {event_name} {} {} {}\n",
                        short(state),
                        short(normal),
                        short(secure)
                    );
                }
            }
        }
    }
    assert_eq!(differs, SECURE_DIFFERS);
}

#[test]
fn a_packet_without_any_of_the_four_flags_closes() {
    for table in [StateTable::Normal, StateTable::Secure] {
        for (_, direction) in DIRECTIONS {
            for state in State::ALL {
                assert_eq!(next(table, direction, None, state), State::Close);
            }
        }
    }
}

#[test]
fn states_have_the_names_times_and_activity_of_the_specification() {
    let expected = [
        ("NONE", 2, false),
        ("ESTABLISHED", 900, true),
        ("SYN_SENT", 120, true),
        ("SYN_RECV", 60, true),
        ("FIN_WAIT", 120, false),
        ("TIME_WAIT", 120, false),
        ("CLOSE", 10, false),
        ("CLOSE_WAIT", 60, false),
        ("LAST_ACK", 30, false),
        ("LISTEN", 120, false),
        ("SYNACK", 120, true),
    ];
    let actual = State::ALL.map(|s| (s.name(), s.default_timeout(), s.is_active()));
    assert_eq!(actual, expected);
}

#[test]
fn numbers_and_states_are_one_to_one() {
    for number in 0..=u8::MAX {
        match State::from_number(number) {
            Some(state) => assert_eq!(state.number(), number),
            None => assert!(usize::from(number) >= State::COUNT),
        }
    }
}

#[test]
fn two_times_can_be_set() {
    let timeouts = Timeouts {
        tcp_established: 1,
        tcp_fin_wait: 2,
        udp: 3,
    };
    for state in State::ALL {
        let expected = match state {
            State::Established => 1,
            State::FinWait => 2,
            other => other.default_timeout(),
        };
        assert_eq!(timeouts.tcp(state), expected);
        assert_eq!(Timeouts::DEFAULT.tcp(state), state.default_timeout());
    }
    assert_eq!(Timeouts::DEFAULT.udp, 300);
}

#[test]
fn the_first_flag_of_rst_syn_fin_ack_wins() {
    use flags::{ACK, FIN, RST, SYN};
    for (byte, event) in [
        (0x00, None),
        (0x08, None),
        (0xE8, None),
        (ACK, Some(Event::Ack)),
        (ACK | FIN, Some(Event::Fin)),
        (SYN | ACK, Some(Event::Syn)),
        (SYN | FIN, Some(Event::Syn)),
        (RST | ACK, Some(Event::Rst)),
        (0xFF, Some(Event::Rst)),
    ] {
        assert_eq!(Event::from_flags(byte), event, "{byte:#x}");
    }
}

/// One connection that follows packets.
struct Conversation {
    table: StateTable,
    flags: ConnFlags,
    state: State,
    active: i32,
    established: u32,
}

impl Conversation {
    fn new(table: StateTable, method: u32) -> Self {
        Self {
            table,
            flags: ConnFlags::for_server(method),
            state: State::None,
            active: 0,
            established: 0,
        }
    }

    fn packet(&mut self, direction: Direction, byte: u8) -> &'static str {
        let step = transition(self.flags, direction, byte, self.state, self.table);
        self.active += match step.activity {
            Some(Activity::Activated) => 1,
            Some(Activity::Deactivated) => -1,
            None => 0,
        };
        self.established += u32::from(step.established);
        (self.flags, self.state) = (step.flags, step.state);
        short(self.state)
    }

    fn walk(&mut self, packets: &str) -> String {
        let mut states = Vec::new();
        for packet in packets.split(' ') {
            let (direction, event) = packet.split_once(':').unwrap();
            let direction = match direction {
                "in" => Direction::Input,
                _ => Direction::Output,
            };
            let byte = event
                .split('+')
                .map(|flag| match flag {
                    "syn" => flags::SYN,
                    "fin" => flags::FIN,
                    "rst" => flags::RST,
                    _ => flags::ACK,
                })
                .sum();
            states.push(self.packet(direction, byte));
        }
        states.join(" ")
    }
}

#[test]
fn conversations_walk_as_in_the_specification() {
    for (sentence, table, method, packets, states) in [
        (
            "NAT, the client closes first",
            StateTable::Normal,
            0,
            "in:syn out:syn+ack in:ack in:fin+ack out:fin+ack in:ack",
            "SR SR ES CW TW TW",
        ),
        (
            "NAT, the server closes first",
            StateTable::Normal,
            0,
            "in:syn out:syn+ack in:ack out:fin+ack in:fin+ack in:ack",
            "SR SR ES FW TW TW",
        ),
        (
            "NAT, the client resets",
            StateTable::Normal,
            0,
            "in:syn out:syn+ack in:ack in:rst",
            "SR SR ES CL",
        ),
        (
            "direct routing, then FIN",
            StateTable::Normal,
            3,
            "in:syn in:ack in:fin+ack in:ack",
            "SR ES FW FW",
        ),
        (
            "direct routing, then RST",
            StateTable::Normal,
            3,
            "in:syn in:ack in:rst+ack",
            "SR ES CL",
        ),
        (
            "NAT under attack: only the server's ACK establishes",
            StateTable::Secure,
            0,
            "in:syn out:syn+ack in:ack out:ack",
            "SR SA SA ES",
        ),
        (
            "direct routing under attack: the third packet establishes",
            StateTable::Secure,
            3,
            "in:syn in:ack",
            "SA ES",
        ),
    ] {
        let mut conversation = Conversation::new(table, method);
        assert_eq!(conversation.walk(packets), states, "{sentence}");
        assert_eq!(conversation.established, 1, "{sentence}");
    }
}

#[test]
fn an_output_packet_ends_the_one_way_rules() {
    let mut conversation = Conversation::new(StateTable::Normal, 3);
    assert!(conversation.flags.has(ConnFlags::NO_OUTPUT));
    assert_eq!(conversation.walk("in:syn out:syn+ack in:ack"), "SR SR ES");
    assert!(!conversation.flags.has(ConnFlags::NO_OUTPUT));
    assert_eq!(conversation.walk("in:fin"), "CW");
}

#[test]
fn routine_changes_nothing() {
    let every_flags = [
        ConnFlags::EMPTY,
        ConnFlags::NO_OUTPUT,
        ConnFlags::INACTIVE,
        ConnFlags::NO_OUTPUT.with(ConnFlags::INACTIVE),
    ];
    let mut routine = 0;
    for state in State::ALL {
        for (_, direction) in DIRECTIONS {
            for (flags, byte) in every_flags
                .into_iter()
                .flat_map(|one| (0..=u8::MAX).map(move |byte| (one, byte)))
            {
                if !is_routine(flags, direction, byte, state) {
                    continue;
                }
                routine += 1;
                for table in [StateTable::Normal, StateTable::Secure] {
                    let step = transition(flags, direction, byte, state, table);
                    assert_eq!((step.state, step.flags), (state, flags));
                    assert_eq!((step.activity, step.established), (None, false));
                }
            }
        }
    }
    // ACK, with and without PSH, URG, ECE and CWR: by clients (of either kind) with all flags, by servers with half of them.
    assert_eq!(routine, 16 * (4 + 4 + 2));
    assert!(is_routine(
        ConnFlags::EMPTY,
        Direction::Input,
        flags::ACK,
        State::Established
    ));
}

fn directions() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Input), Just(Direction::Output)]
}

proptest! {
    #[test]
    fn the_server_counts_a_connection_active_exactly_while_its_state_is(
        method in 0u32..8,
        secure in any::<bool>(),
        packets in proptest::collection::vec((directions(), any::<u8>()), 0..40),
    ) {
        let table = if secure { StateTable::Secure } else { StateTable::Normal };
        let mut conversation = Conversation::new(table, method);
        for (direction, byte) in packets {
            conversation.packet(direction, byte);
            let active = conversation.state.is_active();
            prop_assert_eq!(conversation.active, i32::from(active));
            prop_assert_eq!(conversation.flags.has(ConnFlags::INACTIVE), !active);
        }
    }
}
