// SPDX-License-Identifier: GPL-2.0

//! Relays, one situation each: what happens, and what has to be done then.

use ktcpvs_core::http::{edits::Fate, Fault};
use ktcpvs_core::relay::{
    Chosen, Effect, Event, Halt, Mode, Relay, Settings, Side, Times, LINGER_MAX,
};
use Effect::{
    Choose, CloseWrite, Connect, Discard, End, Look, Move, Pool, Release, Reset, SendFault,
    SendHead, Take, Wait,
};
use Side::{Client, Server};

const TIMES: Times = Times {
    idle: 30,
    head: 15,
    read: 180,
    connect: 5,
    linger: 2,
};

fn settings(mode: Mode) -> Settings {
    Settings {
        mode,
        has_redirect: false,
        max_body: 1_000,
        max_head: u16::MAX,
        times: TIMES,
    }
}

/// A relay and its clock.
struct Script {
    relay: Relay,
    now: u64,
}

impl Script {
    fn new(settings: Settings) -> Self {
        let relay = Relay::new(settings, 0);
        Self { relay, now: 0 }
    }

    /// The events happen, and then these effects follow and no others.
    #[track_caller]
    fn on(&mut self, event: Event<'_>, effects: &[Effect]) {
        self.relay.on(event, self.now);
        self.then(effects);
    }

    #[track_caller]
    fn then(&mut self, effects: &[Effect]) {
        let found: Vec<_> = effects.iter().map(|_| self.relay.poll()).collect();
        assert_eq!(found, effects);
        assert_eq!(self.relay.poll(), Wait);
    }

    #[track_caller]
    fn late(&mut self, effects: &[Effect]) {
        self.now = self.relay.deadline() - 1;
        self.on(Event::Time, &[]);
        self.now += 1;
        self.on(Event::Time, effects);
    }

    /// A relay that has chosen a server for this head, which comes from the pool or was connected to.
    fn in_exchange(head: &str, is_pooled: bool) -> Self {
        let mut script = Self::new(settings(Mode::Each));
        script.then(&[Look(Client)]);
        let take = Take {
            side: Client,
            bytes: head.len() as u16,
        };
        script.on(seen(head), &[take, choose(false)]);
        if is_pooled {
            script.on(Event::Chosen(Chosen::Pooled), &[send_head(Server, 0)]);
        } else {
            script.on(Event::Chosen(Chosen::New), &[connect(false)]);
            script.on(Event::Connected, &[send_head(Server, 0)]);
        }
        script
    }
}

const fn seen(text: &str) -> Event<'_> {
    Event::Seen {
        bytes: text.as_bytes(),
        is_end: false,
    }
}

const fn seen_end(text: &str) -> Event<'_> {
    Event::Seen {
        bytes: text.as_bytes(),
        is_end: true,
    }
}

const fn sent(bytes: u32, halt: Halt) -> Event<'static> {
    Event::Sent { bytes, halt }
}

const fn moved(bytes: u64, halt: Halt) -> Event<'static> {
    Event::Moved { bytes, halt }
}

const fn choose(is_new: bool) -> Effect {
    Choose { is_new }
}

const fn connect(is_redirect: bool) -> Effect {
    Connect { is_redirect }
}

const fn send_head(to: Side, from: u32) -> Effect {
    SendHead {
        to,
        from,
        fate: Fate::Persists,
    }
}

const fn fault(fault: Fault) -> Effect {
    SendFault {
        fault,
        is_head: false,
        from: 0,
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";

const fn take_answer(text: &str) -> Effect {
    Take {
        side: Server,
        bytes: text.len() as u16,
    }
}

const LINGERING: [Effect; 2] = [CloseWrite(Client), Discard { limit: LINGER_MAX }];

#[test]
fn a_request_is_answered_and_the_next_one_is_read() {
    let mut script = Script::in_exchange(GET, false);
    script.on(sent(27, Halt::Limit), &[Look(Server)]);
    script.on(seen(""), &[]);
    script.on(Event::Ready(Server), &[Look(Server)]);
    script.on(seen("HTTP/1.1 200"), &[]);
    script.on(Event::Ready(Server), &[Look(Server)]);
    script.on(seen(OK), &[take_answer(OK), send_head(Client, 0)]);
    script.on(sent(10, Halt::Full), &[]);
    script.on(Event::Room(Client), &[send_head(Client, 10)]);
    let body = |limit| Move {
        from: Server,
        limit,
    };
    script.on(sent(28, Halt::Limit), &[body(7)]);
    script.on(moved(4, Halt::Empty), &[]);
    script.on(Event::Ready(Server), &[body(3)]);
    script.on(moved(3, Halt::Limit), &[Pool, Look(Client)]);
    assert_eq!(script.relay.deadline(), TIMES.idle);
    script.on(seen_end(""), &[End]);
    script.on(Event::Ready(Client), &[]);
}

#[test]
fn a_request_is_incomplete_until_its_head_and_body_are_there() {
    for (parts, is_incomplete) in [
        (&[""][..], false),
        (&["\r\n"], false),
        (&["GET / HT"], true),
        (&["GET / HT", GET], false),
        (&["POST / HT", POST], true),
        (&["GET / HT", "GET / HT\n"], false),
    ] {
        let mut relay = Relay::new(settings(Mode::First), 0);
        for part in parts {
            relay.on(Event::Ready(Client), 0);
            assert_eq!(relay.poll(), Look(Client));
            relay.on(seen(part), 0);
        }
        assert_eq!(relay.is_incomplete(), is_incomplete, "{parts:?}");
    }
    assert!(!Relay::new(settings(Mode::Connection), 0).is_incomplete());
}

#[test]
fn an_answer_may_come_before_the_request_is_through() {
    let mut script = Script::in_exchange(POST, false);
    let body = Move {
        from: Client,
        limit: 5,
    };
    script.on(sent(47, Halt::Limit), &[body]);
    script.on(moved(2, Halt::Empty), &[Look(Server)]);
    let closing = SendHead {
        to: Client,
        from: 0,
        fate: Fate::Closes,
    };
    script.on(seen(OK), &[take_answer(OK), closing]);
    script.on(
        sent(57, Halt::Limit),
        &[Move {
            from: Server,
            limit: 7,
        }],
    );
    let ends = [&[Release][..], &LINGERING].concat();
    script.on(moved(7, Halt::Limit), &ends);
    script.on(moved(3, Halt::Empty), &[]);
    script.late(&[End]);
}

#[test]
fn bad_requests_are_answered_and_the_connection_ends() {
    for (text, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", Fault::BadRequest),
        ("GET / HTTP/2.0\r\n", Fault::VersionNotSupported),
        ("CONNECT a:1 ", Fault::NotImplemented),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
            Fault::ContentTooLarge,
        ),
    ] {
        let mut script = Script::new(settings(Mode::Each));
        script.then(&[Look(Client)]);
        script.on(seen(text), &[fault(expected)]);
        script.on(sent(50, Halt::Full), &[]);
        let rest = SendFault {
            fault: expected,
            is_head: false,
            from: 50,
        };
        script.on(Event::Room(Client), &[rest]);
        script.on(sent(50, Halt::Limit), &LINGERING);
        script.on(moved(LINGER_MAX, Halt::Limit), &[End]);
    }
}

#[test]
fn time_outs_depend_on_what_is_waited_for() {
    let mut idle = Script::new(settings(Mode::Each));
    idle.then(&[Look(Client)]);
    idle.on(seen("\r\n"), &[]);
    idle.late(&[End]);
    let mut slow = Script::new(settings(Mode::Each));
    slow.then(&[Look(Client)]);
    slow.on(seen("G"), &[]);
    slow.now = 14;
    slow.on(Event::Ready(Client), &[Look(Client)]);
    slow.on(seen("GE"), &[]);
    assert_eq!(slow.relay.deadline(), TIMES.head);
    slow.late(&[fault(Fault::RequestTimeout)]);
    let mut silent = Script::in_exchange(GET, true);
    silent.on(sent(27, Halt::Limit), &[Look(Server)]);
    silent.on(seen(""), &[]);
    silent.late(&[Release, fault(Fault::GatewayTimeout)]);
    let mut stuck = Script::in_exchange(POST, true);
    stuck.on(
        sent(27, Halt::Limit),
        &[Move {
            from: Client,
            limit: 5,
        }],
    );
    stuck.on(moved(0, Halt::Empty), &[Look(Server)]);
    stuck.on(seen(""), &[]);
    stuck.late(&[Release, fault(Fault::RequestTimeout)]);
}

#[test]
fn three_servers_are_tried() {
    let mut script = Script::new(settings(Mode::Each));
    script.then(&[Look(Client)]);
    let take = Take {
        side: Client,
        bytes: GET.len() as u16,
    };
    script.on(seen(GET), &[take, choose(false)]);
    script.on(Event::Chosen(Chosen::New), &[connect(false)]);
    script.on(Event::Refused, &[Release, choose(false)]);
    script.on(Event::Chosen(Chosen::New), &[connect(false)]);
    script.late(&[Release, choose(false)]);
    script.on(Event::Chosen(Chosen::New), &[connect(false)]);
    script.on(Event::Refused, &[Release, fault(Fault::BadGateway)]);
    // A connection that comes now is nobody's.
    script.on(Event::Connected, &[]);
    script.on(Event::Broken(Client), &[End]);
}

#[test]
fn a_server_that_stands_in_gets_the_whole_request() {
    let mut script = Script::new(Settings {
        has_redirect: true,
        ..settings(Mode::First)
    });
    script.then(&[Look(Client)]);
    script.on(seen(GET), &[choose(false)]);
    script.on(Event::Chosen(Chosen::Nobody), &[connect(true)]);
    script.on(Event::Refused, &[Release, fault(Fault::BadGateway)]);
    // Without one, the client is told.
    let mut script = Script::new(settings(Mode::First));
    script.then(&[Look(Client)]);
    script.on(seen(GET), &[choose(false)]);
    script.on(
        Event::Chosen(Chosen::Nobody),
        &[fault(Fault::ServiceUnavailable)],
    );
}

#[test]
fn a_pooled_connection_that_dies_is_replaced_once() {
    for (head, is_retried) in [(GET, true), (POST, false)] {
        let mut script = Script::in_exchange(head, true);
        script.on(sent(1, Halt::Full), &[Look(Server)]);
        if !is_retried {
            script.on(seen_end(""), &[Release, fault(Fault::BadGateway)]);
            continue;
        }
        script.on(seen_end(""), &[Release, choose(true)]);
        script.on(Event::Chosen(Chosen::New), &[connect(false)]);
        script.on(Event::Connected, &[send_head(Server, 0)]);
        script.on(Event::Broken(Server), &[Release, fault(Fault::BadGateway)]);
    }
    let mut fresh = Script::in_exchange(GET, false);
    fresh.on(sent(27, Halt::Limit), &[Look(Server)]);
    fresh.on(seen_end("HTTP/1.1 2"), &[Release, fault(Fault::BadGateway)]);
}

#[test]
fn an_answer_that_breaks_off_is_a_reset() {
    for (halt, is_reset) in [(Halt::End, true), (Halt::Empty, false)] {
        let mut script = Script::in_exchange(GET, true);
        script.on(sent(27, Halt::Limit), &[Look(Server)]);
        script.on(seen(OK), &[take_answer(OK), send_head(Client, 0)]);
        script.on(
            sent(38, Halt::Limit),
            &[Move {
                from: Server,
                limit: 7,
            }],
        );
        let reset = [Reset(Client), Reset(Server), End];
        if is_reset {
            script.on(moved(6, halt), &reset);
        } else {
            script.on(moved(6, halt), &[]);
            script.on(Event::Broken(Server), &reset);
        }
    }
}

#[test]
fn an_answer_until_close_ends_with_the_connection() {
    let mut script = Script::in_exchange(GET, true);
    let answer = "HTTP/1.1 200 OK\r\n\r\n";
    script.on(sent(27, Halt::Limit), &[Look(Server)]);
    let closing = SendHead {
        to: Client,
        from: 0,
        fate: Fate::Closes,
    };
    script.on(seen(answer), &[take_answer(answer), closing]);
    let body = Move {
        from: Server,
        limit: u64::MAX,
    };
    script.on(sent(38, Halt::Limit), &[body]);
    script.on(moved(900, Halt::Limit), &[body]);
    let ends = [&[Release][..], &LINGERING].concat();
    script.on(moved(100, Halt::End), &ends);
    script.on(moved(0, Halt::End), &[End]);
}

#[test]
fn interim_answers_are_passed_on_up_to_a_number() {
    let mut script = Script::in_exchange(GET, true);
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    script.on(sent(27, Halt::Limit), &[Look(Server)]);
    for _ in 0..16 {
        script.on(seen(interim), &[take_answer(interim), send_head(Client, 0)]);
        script.on(sent(28, Halt::Limit), &[Look(Server)]);
    }
    script.on(seen(interim), &[Release, fault(Fault::BadGateway)]);
}

#[test]
fn a_change_of_protocol_is_only_for_those_who_asked() {
    let asking = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    let mut script = Script::in_exchange(GET, true);
    script.on(sent(27, Halt::Limit), &[Look(Server)]);
    script.on(seen(answer), &[Release, fault(Fault::BadGateway)]);
    let mut script = Script::in_exchange(asking, true);
    script.on(sent(27, Halt::Limit), &[Look(Server)]);
    script.on(seen(answer), &[take_answer(answer), send_head(Client, 0)]);
    let [up, down] = [Client, Server].map(|from| Move {
        from,
        limit: u64::MAX,
    });
    script.on(sent(70, Halt::Limit), &[up]);
    script.on(moved(5, Halt::Empty), &[down]);
    script.on(moved(5, Halt::End), &[CloseWrite(Client)]);
    script.on(Event::Ready(Client), &[up]);
    script.on(moved(0, Halt::End), &[CloseWrite(Server), End]);
}

#[test]
fn a_tunnel_is_reset_on_both_sides_or_ends_on_both() {
    let tunnel = |mode| {
        let mut script = Script::new(settings(mode));
        if mode == Mode::First {
            script.then(&[Look(Client)]);
            script.on(seen(GET), &[choose(false)]);
        } else {
            script.then(&[choose(false)]);
        }
        script.on(Event::Chosen(Chosen::New), &[connect(false)]);
        let up = Move {
            from: Client,
            limit: u64::MAX,
        };
        script.on(Event::Connected, &[up]);
        script
    };
    let down = Move {
        from: Server,
        limit: u64::MAX,
    };
    let mut half = tunnel(Mode::Connection);
    half.on(moved(9, Halt::End), &[CloseWrite(Server), down]);
    half.on(moved(9, Halt::Full), &[]);
    half.on(Event::Room(Client), &[down]);
    half.on(moved(9, Halt::End), &[CloseWrite(Client), End]);
    let mut broken = tunnel(Mode::Connection);
    broken.on(moved(9, Halt::Empty), &[down]);
    broken.on(Event::Broken(Server), &[Reset(Client), Reset(Server), End]);
    let mut gone = tunnel(Mode::First);
    gone.on(moved(27, Halt::Empty), &[down]);
    gone.on(Event::Broken(Client), &[Reset(Server), End]);
    // Before the first byte of an answer, a client of HTTP is told.
    let mut silent = tunnel(Mode::First);
    silent.on(moved(27, Halt::Empty), &[down]);
    silent.on(moved(0, Halt::End), &[Release, fault(Fault::BadGateway)]);
    let mut late = tunnel(Mode::First);
    late.on(moved(27, Halt::Empty), &[down]);
    late.on(moved(3, Halt::Empty), &[]);
    late.late(&[Reset(Client), Reset(Server), End]);
}

#[test]
fn a_service_that_stops_ends_idle_relays_and_finishes_answers() {
    let mut idle = Script::new(settings(Mode::Each));
    idle.then(&[Look(Client)]);
    idle.on(seen(""), &[]);
    idle.on(Event::Stop, &[End]);
    let mut busy = Script::in_exchange(GET, true);
    busy.on(Event::Stop, &[]);
    busy.on(sent(27, Halt::Limit), &[Look(Server)]);
    let closing = SendHead {
        to: Client,
        from: 0,
        fate: Fate::Closes,
    };
    busy.on(seen(OK), &[take_answer(OK), closing]);
    busy.on(
        sent(57, Halt::Limit),
        &[Move {
            from: Server,
            limit: 7,
        }],
    );
    let ends = [&[Pool][..], &LINGERING].concat();
    busy.on(moved(7, Halt::Limit), &ends);
    busy.on(Event::Abort, &[Reset(Client), End]);
    busy.on(Event::Abort, &[]);
    assert!(busy.relay.has_ended());
}
