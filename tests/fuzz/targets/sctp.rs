// SPDX-License-Identifier: GPL-2.0

//! Any bytes as an SCTP packet, at any place: at most two chunk headers are read. And any sequence
//! of chunks: the machine is always in a state that has a number and a time, and counts as active
//! or inactive what it says.

#![no_main]

use ipvs_core::conn::ConnFlags;
use ipvs_core::flow::Flow;
use ipvs_core::proto::sctp::{transition, Event, State};
use ipvs_core::proto::transition::Activity;
use ipvs_core::proto::Direction;
use ipvs_core::wire::sctp::HEADER_LEN;
use ipvs_fuzz::Paged;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let parsed = Flow::parse(data).map_or(4, |flow| flow.transport);
    for transport in [parsed, 0, data.len(), usize::MAX - data.len()] {
        let paged = Paged::new(data);
        let event = Event::of_packet(&paged, transport);
        assert_eq!(event, Event::of_packet(data, transport), "in pieces");
        assert!(paged.reads() <= 2, "{} reads", paged.reads());
        let chunk = transport.checked_add(HEADER_LEN);
        let chunk = chunk.and_then(|at| data.get(at..)?.first_chunk::<4>());
        let first = chunk.map(|&[kind, ..]| Event::from_chunk(kind));
        assert_eq!(first, Event::of_first_chunk(data, transport));
        assert_eq!(event.is_some(), first.is_some());
        assert!(event == first || event == Some(Event::Abort));
    }
    let (mut state, mut flags, mut active) = (State::None, ConnFlags::INACTIVE, 0);
    for &byte in data {
        let direction = match byte >> 6 {
            0 => Direction::Output,
            1 => Direction::InputOnly,
            _ => Direction::Input,
        };
        let moved = transition(flags, direction, Event::from_chunk(byte & 15), state);
        (state, flags) = (moved.state, moved.flags);
        active += match moved.activity {
            Some(Activity::Activated) => 1,
            Some(Activity::Deactivated) => -1,
            None => 0,
        };
        assert_eq!(active, i32::from(!flags.has(ConnFlags::INACTIVE)));
        assert_eq!(active == 1, state == State::Established);
        assert_eq!(State::from_number(state.number()), Some(state));
        assert!(state.timeout() > 0);
    }
});
