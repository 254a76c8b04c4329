// SPDX-License-Identifier: GPL-2.0

//! Relays between a client and servers that send, read and stall in any order: each server gets exactly the bytes of the requests,
//! the client exactly those of the answers, and nothing happens behind the end.

use std::collections::VecDeque;

use ktcpvs_core::http::{
    edits::{of_answer, of_request, Fate},
    Fault, HEAD_MAX,
};
use ktcpvs_core::relay::{Chosen, Effect, Event, Halt, Mode, Relay, Settings, Side, Times};
use proptest::{collection::vec, prelude::*};

const SETTINGS: Settings = Settings {
    mode: Mode::Each,
    has_redirect: false,
    max_body: 1 << 20,
    max_head: u16::MAX,
    times: Times {
        idle: 30,
        head: 15,
        read: 180,
        connect: 5,
        linger: 2,
    },
};

/// A socket of the relay: bytes that have come, and what was sent.
#[derive(Default)]
struct Socket {
    /// Bytes that the peer will send.
    coming: VecDeque<u8>,
    queue: VecDeque<u8>,
    has_fin: bool,
    room: usize,
    sent: Vec<u8>,
    /// The number of requests that the server has answered on it.
    answered: usize,
}

impl Socket {
    /// Some of the bytes that the peer sends come in.
    fn arrive(&mut self, bytes: usize) -> bool {
        let count = bytes.min(self.coming.len());
        self.queue.extend(self.coming.drain(..count));
        count > 0
    }

    fn is_end(&self) -> bool {
        self.has_fin && self.coming.is_empty()
    }
}

struct World {
    relay: Relay,
    client: Socket,
    server: Option<Socket>,
    /// What all connections to servers got, in order.
    served: Vec<u8>,
    head: Vec<u8>,
    /// Each request with its answer, in order; of those that are over, the number.
    exchanges: Vec<(Vec<u8>, Vec<u8>)>,
    answered: usize,
    is_pooled: bool,
    pieces: VecDeque<usize>,
    outcome: Outcome,
}

/// How the client's connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Whole,
    Fault,
    Reset,
}

impl World {
    fn new(mode: Mode, exchanges: &[(Vec<u8>, Vec<u8>)], pieces: &[usize]) -> Self {
        let settings = Settings { mode, ..SETTINGS };
        let mut client = Socket {
            has_fin: true,
            ..Socket::default()
        };
        client.coming = exchanges.iter().flat_map(|it| it.0.clone()).collect();
        Self {
            relay: Relay::new(settings, 0),
            client,
            server: None,
            served: Vec::new(),
            head: Vec::new(),
            exchanges: exchanges.to_vec(),
            answered: 0,
            is_pooled: false,
            pieces: pieces.iter().copied().collect(),
            outcome: Outcome::Whole,
        }
    }

    /// A size of any kind, over and over.
    fn piece(&mut self) -> usize {
        let piece = self.pieces.pop_front().unwrap_or(7);
        self.pieces.push_back(piece);
        piece
    }

    fn socket(&mut self, side: Side) -> &mut Socket {
        match side {
            Side::Client => &mut self.client,
            Side::Server => self.server.as_mut().expect("a server"),
        }
    }

    /// Lets the relay do what it can.
    fn turn(&mut self) {
        for _ in 0..10_000 {
            let effect = self.relay.poll();
            if effect == Effect::Wait {
                return;
            }
            assert!(!self.relay.has_ended() || effect == Effect::End);
            self.obey(effect);
        }
        panic!("the relay does not stop");
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Wait | Effect::End | Effect::CloseWrite(_) => {}
            Effect::Look(side) => {
                let socket = self.socket(side);
                let bytes: Vec<u8> = socket.queue.iter().take(HEAD_MAX).copied().collect();
                let is_end = socket.is_end() && bytes.len() == socket.queue.len();
                let bytes = &bytes;
                self.relay.on(Event::Seen { bytes, is_end }, 0);
            }
            Effect::Take { side, bytes } => {
                self.head = self
                    .socket(side)
                    .queue
                    .drain(..usize::from(bytes))
                    .collect();
            }
            Effect::Choose { .. } => {
                let chosen = match std::mem::take(&mut self.is_pooled) {
                    true => {
                        self.server = Some(Socket::default());
                        Chosen::Pooled
                    }
                    false => Chosen::New,
                };
                self.relay.on(Event::Chosen(chosen), 0);
            }
            Effect::Connect { .. } => {
                assert!(self.server.is_none());
                self.server = Some(Socket::default());
                self.relay.on(Event::Connected, 0);
            }
            Effect::SendHead { to, from, fate } => self.send_head(to, from as usize, fate),
            Effect::Move { from, limit } => self.move_bytes(from, limit as usize),
            Effect::Discard { .. } => {
                let bytes = self.client.queue.len() as u64;
                self.client.queue.clear();
                let halt = if self.client.is_end() {
                    Halt::End
                } else {
                    Halt::Empty
                };
                self.relay.on(Event::Moved { bytes, halt }, 0);
            }
            Effect::Pool | Effect::Release => {
                self.is_pooled = effect == Effect::Pool;
                let server = self.server.take().expect("a server");
                self.served.extend(server.sent);
            }
            Effect::SendFault { fault, from, .. } => {
                assert_eq!(fault, Fault::BadGateway);
                self.outcome = Outcome::Fault;
                let rest = fault.rest(false, from as usize).concat();
                self.send(Side::Client, &rest);
            }
            Effect::Reset(Side::Client) => self.outcome = Outcome::Reset,
            Effect::Reset(Side::Server) => self.server = None,
        }
    }

    fn send_head(&mut self, to: Side, from: usize, fate: Fate) {
        let head = &self.head;
        let edits = match to {
            Side::Server => of_request(head, self.relay.request().unwrap()),
            Side::Client => of_answer(head, self.relay.answer().unwrap(), fate),
        };
        let whole = edits.unwrap().pieces(head).collect::<Vec<_>>().concat();
        self.send(to, &whole[from..]);
    }

    fn send(&mut self, to: Side, rest: &[u8]) {
        let socket = self.socket(to);
        let count = rest.len().min(socket.room);
        socket.room -= count;
        socket.sent.extend(&rest[..count]);
        let halt = if count == rest.len() {
            Halt::Limit
        } else {
            Halt::Full
        };
        let bytes = count as u32;
        self.relay.on(Event::Sent { bytes, halt }, 0);
    }

    fn move_bytes(&mut self, from: Side, limit: usize) {
        let room = self.socket(from.other()).room;
        let source = self.socket(from);
        let count = limit.min(room).min(source.queue.len());
        let bytes: Vec<u8> = source.queue.drain(..count).collect();
        let halt = match () {
            () if count == limit => Halt::Limit,
            () if !source.queue.is_empty() => Halt::Full,
            () if source.is_end() => Halt::End,
            () => Halt::Empty,
        };
        let target = self.socket(from.other());
        target.room -= count;
        target.sent.extend(bytes);
        let bytes = count as u64;
        self.relay.on(Event::Moved { bytes, halt }, 0);
    }

    /// The server answers each request that it has as a whole.
    fn serve(&mut self, mode: Mode) {
        let Some(server) = &mut self.server else {
            return;
        };
        while let Some((request, answer)) = self.exchanges.get(self.answered) {
            let has_request = match mode {
                // For each request the relay has another socket here, even if the connection is one of the pool.
                Mode::Each => server.sent == *request && server.answered == 0,
                Mode::First | Mode::Connection => {
                    let needed = self.exchanges[..=self.answered].iter();
                    server.sent.len() >= needed.map(|it| it.0.len()).sum()
                }
            };
            if !has_request {
                return;
            }
            server.answered += 1;
            server.coming.extend(answer);
            self.answered += 1;
            server.has_fin = self.answered == self.exchanges.len();
        }
    }

    /// Something happens: bytes come in, or there is room again.
    fn happen(&mut self, what: u8) {
        let bytes = self.piece();
        let side = if what & 1 == 0 {
            Side::Client
        } else {
            Side::Server
        };
        if side == Side::Server && self.server.is_none() {
            return;
        }
        let socket = self.socket(side);
        let event = match what & 2 {
            0 if socket.arrive(bytes) || socket.is_end() => Event::Ready(side),
            0 => return,
            _ => {
                socket.room += bytes;
                Event::Room(side)
            }
        };
        self.relay.on(event, 0);
    }

    /// The connection to the server breaks at the steps that `breaks` names.
    fn run(&mut self, mode: Mode, order: &[u8], breaks: &[usize]) {
        self.turn();
        let regular = (0..40_000).map(|step: u32| step as u8);
        for (step, what) in order.iter().copied().chain(regular).enumerate() {
            match &self.server {
                Some(server) if breaks.contains(&step) => {
                    // What it has not sent yet, another one may have to send.
                    self.answered -= server.answered;
                    self.relay.on(Event::Broken(Side::Server), 0);
                }
                _ => self.happen(what),
            }
            self.turn();
            self.serve(mode);
            if self.relay.has_ended() {
                return;
            }
        }
        panic!("the relay goes on for ever: {:?}", self.relay);
    }
}

/// A request and its answer, which are passed on as they are.
fn exchange() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let body = vec(any::<u8>(), 1..60);
    let request = prop_oneof![
        Just(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        body.clone()
            .prop_map(|body| with_length("POST / HTTP/1.1\r\nHost: a", &body)),
        body.clone()
            .prop_map(|body| chunked("PUT / HTTP/1.1\r\nHost: a", &body)),
    ];
    let answer = prop_oneof![
        Just(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        body.clone()
            .prop_map(|body| with_length("HTTP/1.1 200 OK", &body)),
        body.clone()
            .prop_map(|body| chunked("HTTP/1.1 200 OK", &body)),
        body.prop_map(|body| {
            let mut both = b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n".to_vec();
            both.extend(with_length("HTTP/1.1 404 Not Found", &body));
            both
        }),
    ];
    (request, answer)
}

fn with_length(start: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{start}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn chunked(start: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{start}\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(11) {
        text.extend(format!("{:x};e\r\n", chunk.len()).bytes());
        text.extend(chunk);
        text.extend(b"\r\n");
    }
    text.extend(b"0\r\nT: u\r\n\r\n");
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_byte_is_lost_or_doubled(
        exchanges in vec(exchange(), 1..5),
        pieces in vec(1_usize..90, 1..12),
        order in vec(0_u8..4, 0..200),
        mode in prop::sample::select([Mode::Each, Mode::First, Mode::Connection].as_slice()),
    ) {
        let mut world = World::new(mode, &exchanges, &pieces);
        world.run(mode, &order, &[]);
        if let Some(server) = world.server.take() {
            world.served.extend(server.sent);
        }
        let requests: Vec<u8> = exchanges.iter().flat_map(|it| it.0.clone()).collect();
        prop_assert_eq!(world.outcome, Outcome::Whole);
        let answers: Vec<u8> = exchanges.iter().flat_map(|it| it.1.clone()).collect();
        prop_assert!(world.served == requests);
        prop_assert!(world.client.sent == answers);
    }

    #[test]
    fn an_answer_that_breaks_off_never_looks_whole(
        exchanges in vec(exchange(), 1..5),
        pieces in vec(1_usize..90, 1..12),
        order in vec(0_u8..4, 0..200),
        breaks in vec(0_usize..120, 1..4),
    ) {
        let mut world = World::new(Mode::Each, &exchanges, &pieces);
        world.run(Mode::Each, &order, &breaks);
        let answers: Vec<u8> = exchanges.iter().flat_map(|it| it.1.clone()).collect();
        let sent = world.client.sent;
        match world.outcome {
            Outcome::Whole => prop_assert!(sent == answers),
            Outcome::Reset => prop_assert!(answers.starts_with(&sent)),
            Outcome::Fault => {
                // Behind whole answers, of which the last one may be an interim one.
                let fault = Fault::BadGateway.rest(false, 0).concat();
                let before = sent.strip_suffix(&*fault);
                let is_end = |before: &[u8]| ends(&exchanges).any(|end| answers[..end] == *before);
                let follows_a_whole_one = before.is_some_and(is_end);
                prop_assert!(follows_a_whole_one);
            }
        }
    }

    #[test]
    fn whatever_happens_nothing_is_done_that_cannot_be_done(
        mode in prop::sample::select([Mode::Each, Mode::First, Mode::Connection].as_slice()),
        has_redirect in any::<bool>(),
        steps in vec((0_u8..22, 0_usize..7, 0_u64..40), 0..120),
    ) {
        let settings = Settings { mode, has_redirect, ..SETTINGS };
        let mut relay = Relay::new(settings, 0);
        let (mut now, mut is_connected, mut has_ended) = (0, false, false);
        for (kind, choice, number) in steps {
            now += number / 4;
            let event = event(kind, choice, number);
            // Who reports that a connection is there has been asked to make one.
            if matches!(event, Event::Connected) {
                continue;
            }
            relay.on(event, now);
            for _ in 0..64 {
                let effect = relay.poll();
                prop_assert!(!has_ended || effect == Effect::Wait);
                match effect {
                    Effect::Wait => break,
                    Effect::End => has_ended = true,
                    Effect::Pool | Effect::Release | Effect::Reset(Side::Server) => {
                        prop_assert!(is_connected, "{effect:?}");
                        is_connected = false;
                    }
                    Effect::Connect { .. } => {
                        prop_assert!(!is_connected);
                        is_connected = true;
                        if choice > 2 {
                            relay.on(Event::Connected, now);
                        }
                    }
                    Effect::Choose { is_new } => {
                        let chosen = [Chosen::New, Chosen::Pooled, Chosen::Nobody][choice % 3];
                        let chosen = if is_new { Chosen::New } else { chosen };
                        is_connected |= chosen == Chosen::Pooled;
                        relay.on(Event::Chosen(chosen), now);
                    }
                    Effect::Move { from: Side::Server, .. }
                    | Effect::Look(Side::Server)
                    | Effect::CloseWrite(Side::Server)
                    | Effect::SendHead { to: Side::Server, .. } => prop_assert!(is_connected),
                    _ => {}
                }
            }
            prop_assert_eq!(relay.poll(), Effect::Wait);
            prop_assert_eq!(relay.has_ended(), has_ended);
        }
    }
}

/// Where answers end, interim ones too.
fn ends(exchanges: &[(Vec<u8>, Vec<u8>)]) -> impl Iterator<Item = usize> + '_ {
    let mut at = 0;
    exchanges.iter().flat_map(move |(_, answer)| {
        let start = at;
        at += answer.len();
        let interim = "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n";
        let has_interim = answer.starts_with(interim.as_bytes());
        [
            start,
            start + if has_interim { interim.len() } else { 0 },
            at,
        ]
    })
}

const TEXTS: [&str; 7] = [
    "",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
];

fn event(kind: u8, choice: usize, number: u64) -> Event<'static> {
    let side = if choice & 1 == 0 {
        Side::Client
    } else {
        Side::Server
    };
    let halt = [Halt::Empty, Halt::End, Halt::Full, Halt::Limit][choice % 4];
    match kind {
        0..4 => Event::Ready(side),
        4..8 => Event::Room(side),
        8 => Event::Broken(side),
        9 => Event::Connected,
        10 => Event::Refused,
        11 if number == 0 => Event::Stop,
        12 => Event::Time,
        13 if number == 0 => Event::Abort,
        14..18 => Event::Seen {
            bytes: TEXTS[choice].as_bytes(),
            is_end: number == 1,
        },
        18..20 => Event::Moved {
            bytes: number + 1,
            halt,
        },
        _ => Event::Sent {
            bytes: number as u32 + 1,
            halt,
        },
    }
}
