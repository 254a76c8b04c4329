// SPDX-License-Identifier: GPL-2.0

//! Any bytes as the events of a relay: nothing is done that cannot be done, and nothing behind the end.

#![no_main]

use ktcpvs_core::relay::{Chosen, Effect, Event, Halt, Mode, Relay, Settings, Side, Times};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [choice, client, server, steps @ ..] = data else {
        return;
    };
    // What the client and the server send.
    let client = steps.get(..usize::from(*client)).unwrap_or(steps);
    let server = steps.get(..usize::from(*server)).unwrap_or(steps);
    let settings = Settings {
        mode: [Mode::Connection, Mode::First, Mode::Each, Mode::Each][usize::from(choice & 3)],
        has_redirect: choice & 4 != 0,
        max_body: 100,
        max_head: [u16::MAX, 64][usize::from((choice >> 3) & 1)],
        times: Times {
            idle: 30,
            head: 15,
            read: 180,
            connect: 5,
            linger: 2,
        },
    };
    let mut driver = Driver {
        relay: Relay::new(settings, 0),
        streams: [client, server],
        is_connected: false,
        is_connecting: false,
        now: 0,
    };
    for pair in steps.chunks_exact(2) {
        driver.step(pair[0], pair[1]);
    }
});

struct Driver<'a> {
    relay: Relay,
    streams: [&'a [u8]; 2],
    is_connected: bool,
    is_connecting: bool,
    now: u64,
}

impl Driver<'_> {
    fn step(&mut self, kind: u8, number: u8) {
        self.now += u64::from(number >> 6);
        let side = if number & 1 == 0 {
            Side::Client
        } else {
            Side::Server
        };
        let event = match kind % 16 {
            0..6 => Event::Ready(side),
            6..10 => Event::Room(side),
            10 if number > 200 => Event::Broken(side),
            11 if self.is_connecting => Event::Connected,
            12 if self.is_connecting => Event::Refused,
            13 if number > 240 => Event::Stop,
            14 => Event::Time,
            15 if number > 250 => Event::Abort,
            _ => return,
        };
        if matches!(event, Event::Connected) {
            self.is_connecting = false;
        }
        let had_ended = self.relay.has_ended();
        self.relay.on(event, self.now);
        for turn in 0.. {
            assert!(turn < 4_096, "the relay does not stop");
            let effect = self.relay.poll();
            if effect == Effect::Wait {
                break;
            }
            assert!(!had_ended);
            self.obey(effect, number.wrapping_add(turn as u8));
        }
    }

    fn obey(&mut self, effect: Effect, number: u8) {
        let halt =
            [Halt::Empty, Halt::Full, Halt::Limit, Halt::Limit][usize::from((number >> 1) & 3)];
        let stream = |side| usize::from(side == Side::Server);
        match effect {
            Effect::Wait
            | Effect::Take {
                side: Side::Client, ..
            }
            | Effect::CloseWrite(Side::Client)
            | Effect::Reset(Side::Client) => {}
            Effect::Take {
                side: Side::Server, ..
            }
            | Effect::CloseWrite(Side::Server) => assert!(self.is_connected),
            Effect::End => assert!(self.relay.has_ended()),
            Effect::Look(side) => {
                assert!(side == Side::Client || self.is_connected);
                let bytes = self.streams[stream(side)];
                let len = bytes.len().min(usize::from(number) * 4);
                let is_end = len == bytes.len() && number & 8 != 0;
                self.relay.on(
                    Event::Seen {
                        bytes: &bytes[..len],
                        is_end,
                    },
                    self.now,
                );
            }
            Effect::Choose { is_new } => {
                let chosen = match number % 4 {
                    0 if !is_new => Chosen::Pooled,
                    1 => Chosen::Nobody,
                    _ => Chosen::New,
                };
                self.is_connected |= chosen == Chosen::Pooled;
                self.relay.on(Event::Chosen(chosen), self.now);
            }
            Effect::Connect { .. } => {
                assert!(!self.is_connected);
                (self.is_connected, self.is_connecting) = (true, true);
            }
            Effect::SendHead { to, .. } => {
                assert!(to == Side::Client || (self.is_connected && !self.is_connecting));
                self.relay.on(
                    Event::Sent {
                        bytes: number.into(),
                        halt,
                    },
                    self.now,
                );
            }
            Effect::SendFault { .. } => self.relay.on(Event::Sent { bytes: 9, halt }, self.now),
            Effect::Move { limit, .. } | Effect::Discard { limit } => {
                assert!(limit > 0);
                let bytes = limit.min(u64::from(number) + 1);
                let halt = if number & 64 != 0 { Halt::End } else { halt };
                if let Effect::Move { from, .. } = effect {
                    assert!(self.is_connected && !self.is_connecting);
                    let stream = &mut self.streams[stream(from)];
                    *stream = stream.get(bytes as usize..).unwrap_or_default();
                }
                self.relay.on(Event::Moved { bytes, halt }, self.now);
            }
            Effect::Pool | Effect::Release | Effect::Reset(Side::Server) => {
                assert!(self.is_connected);
                (self.is_connected, self.is_connecting) = (false, false);
            }
        }
        if let Effect::Take { side, bytes } = effect {
            let stream = &mut self.streams[stream(side)];
            *stream = stream.get(usize::from(bytes)..).unwrap_or_default();
        }
    }
}
