// SPDX-License-Identifier: GPL-2.0

//! The plans for packets with a flow.

use std::cell::Cell;
use std::ops::Deref;

use ipvs_core::conn::ConnFlags;
use ipvs_core::drops::Reason;
use ipvs_core::flow::{Flow, FlowDirection};
use ipvs_core::plan::opening::Sloppy;
use ipvs_core::plan::reuse::Rules;
use ipvs_core::plan::{
    inbound, not_begun, successor, Plan, Point, Server, Situation, Stay, StoredConn,
};
use ipvs_core::proto::tcp::flags::{ACK, RST, SYN};
use ipvs_core::proto::tcp::State;

/// An IPv4 packet of 20 bytes after the network header: of TCP with these flags, or of another protocol.
fn packet(protocol: u8, flags: u8) -> Vec<u8> {
    let mut bytes = vec![0; 40];
    bytes[0] = 0x45;
    bytes[3] = 40;
    bytes[9] = protocol;
    bytes[33] = flags;
    bytes
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Conn {
    server: Server,
    is_quiesced: bool,
    is_controlled: bool,
    state: State,
}

const ESTABLISHED: Conn = Conn {
    server: Server::Available,
    is_quiesced: false,
    is_controlled: false,
    state: State::Established,
};
const CLOSED: Conn = Conn {
    state: State::Close,
    ..ESTABLISHED
};
const DELETED: Conn = Conn {
    server: Server::Deleted,
    ..ESTABLISHED
};
const BYPASS: Conn = Conn {
    server: Server::Absent,
    ..ESTABLISHED
};

/// As the references that the packet path has.
impl Deref for Conn {
    type Target = Self;

    fn deref(&self) -> &Self {
        self
    }
}

impl StoredConn for Conn {
    fn server(&self) -> Server {
        self.server
    }

    fn is_quiesced(&self) -> bool {
        self.is_quiesced
    }

    fn is_controlled(&self) -> bool {
        self.is_controlled
    }

    fn condition(&self) -> (u8, ConnFlags) {
        (self.state.number(), ConnFlags::EMPTY)
    }
}

struct Facts {
    packet: Vec<u8>,
    rules: Rules,
    may_begin: bool,
    is_unasked: bool,
    is_backup_only: bool,
    /// The number of facts that were asked for.
    asked: Cell<u32>,
}

impl Facts {
    fn of(packet: Vec<u8>) -> Self {
        Self {
            packet,
            rules: Rules {
                reuse: 1,
                expire_nodest: false,
            },
            may_begin: false,
            is_unasked: false,
            is_backup_only: false,
            asked: Cell::new(0),
        }
    }

    fn count(&self) {
        self.asked.set(self.asked.get() + 1);
    }

    fn flow(&self) -> Flow {
        Flow::parse(self.packet.as_slice()).unwrap()
    }
}

impl Situation for Facts {
    type Packet = [u8];

    fn packet(&self) -> &[u8] {
        self.count();
        &self.packet
    }

    fn rules(&self) -> Rules {
        self.count();
        self.rules
    }

    fn sloppy(&self) -> Sloppy {
        self.count();
        Sloppy {
            tcp: false,
            sctp: false,
        }
    }

    fn is_backup_only(&self) -> bool {
        self.is_backup_only
    }

    fn may_begin(&self) -> bool {
        self.count();
        self.may_begin
    }

    fn is_unasked(&self) -> bool {
        self.count();
        self.is_unasked
    }
}

const REQUEST: FlowDirection = FlowDirection::Request;
const REPLY: FlowDirection = FlowDirection::Reply;

fn plan(point: Point, found: Option<(Conn, FlowDirection)>, facts: &Facts) -> Plan<Conn> {
    inbound(point, found, &facts.flow(), facts)
}

#[test]
fn a_packet_follows_its_connection() {
    for (found, local, forward) in [
        (
            Some((ESTABLISHED, REQUEST)),
            Plan::ToServer(ESTABLISHED),
            Plan::Pass,
        ),
        (
            Some((ESTABLISHED, REPLY)),
            Plan::ToClient(ESTABLISHED),
            Plan::ToClient(ESTABLISHED),
        ),
        (
            Some((DELETED, REPLY)),
            Plan::ToClient(DELETED),
            Plan::ToClient(DELETED),
        ),
        (None, Plan::Pass, Plan::Pass),
    ] {
        let facts = Facts::of(packet(6, ACK));
        assert_eq!(plan(Point::Local, found, &facts), local);
        assert_eq!(plan(Point::Forward, found, &facts), forward);
    }
}

#[test]
fn a_packet_of_no_connection_opens_one_on_this_host_only() {
    for (bytes, local) in [
        (packet(6, SYN), Plan::Open),
        (packet(6, ACK), Plan::Pass),
        (packet(17, 0), Plan::Open),
        (packet(6, SYN)[..33].to_vec(), Plan::Drop(Reason::Truncated)),
    ] {
        let facts = Facts::of(bytes);
        assert_eq!(plan(Point::Local, None, &facts), local);
        assert_eq!(plan(Point::Forward, None, &facts), Plan::Pass);
    }
}

#[test]
fn an_unasked_packet_of_a_server_is_refused_unless_a_connection_knows_it() {
    let facts = Facts {
        is_unasked: true,
        ..Facts::of(packet(6, SYN))
    };
    for (point, found, expected) in [
        (Point::Local, None, Plan::Refuse),
        (Point::Forward, None, Plan::Refuse),
        (Point::Forward, Some((ESTABLISHED, REQUEST)), Plan::Refuse),
        (
            Point::Forward,
            Some((ESTABLISHED, REPLY)),
            Plan::ToClient(ESTABLISHED),
        ),
        (
            Point::Local,
            Some((ESTABLISHED, REQUEST)),
            Plan::ToServer(ESTABLISHED),
        ),
    ] {
        assert_eq!(plan(point, found, &facts), expected);
    }
}

#[test]
fn a_packet_of_a_server_may_begin_a_conversation() {
    let facts = Facts {
        may_begin: true,
        is_unasked: true,
        ..Facts::of(packet(17, 0))
    };
    for (point, found, expected, if_not) in [
        (Point::Local, None, Plan::Begin, Plan::Refuse),
        (Point::Forward, None, Plan::Begin, Plan::Refuse),
        (
            Point::Forward,
            Some((ESTABLISHED, REQUEST)),
            Plan::Begin,
            Plan::Refuse,
        ),
        (
            Point::Forward,
            Some((ESTABLISHED, REPLY)),
            Plan::ToClient(ESTABLISHED),
            Plan::Refuse,
        ),
    ] {
        assert_eq!(plan(point, found, &facts), expected);
        assert_eq!(not_begun::<Conn, _>(point, &facts.flow(), &facts), if_not);
    }
}

#[test]
fn a_backup_only_director_answers_for_servers_and_leaves_clients_alone() {
    let facts = Facts {
        is_backup_only: true,
        ..Facts::of(packet(6, SYN))
    };
    for (found, expected) in [
        (None, Plan::Pass),
        (Some((ESTABLISHED, REQUEST)), Plan::Pass),
        (Some((DELETED, REQUEST)), Plan::Pass),
        (Some((ESTABLISHED, REPLY)), Plan::ToClient(ESTABLISHED)),
    ] {
        assert_eq!(plan(Point::Local, found, &facts), expected);
    }
}

#[test]
fn a_packet_that_opens_a_connection_may_replace_its_own() {
    let quiesced = Conn {
        is_quiesced: true,
        ..ESTABLISHED
    };
    let controlled = Conn {
        is_controlled: true,
        ..CLOSED
    };
    // Without and with the sysctl expire_nodest_conn.
    for (conn, flags, without, with) in [
        (
            ESTABLISHED,
            SYN,
            Plan::ToServer(ESTABLISHED),
            Plan::ToServer(ESTABLISHED),
        ),
        (CLOSED, ACK, Plan::ToServer(CLOSED), Plan::ToServer(CLOSED)),
        (
            CLOSED,
            SYN,
            Plan::Replace(CLOSED, Stay::ToServer),
            Plan::Replace(CLOSED, Stay::ToServer),
        ),
        (
            controlled,
            SYN,
            Plan::ToServer(controlled),
            Plan::ToServer(controlled),
        ),
        (
            quiesced,
            SYN,
            Plan::ToServer(quiesced),
            Plan::Replace(quiesced, Stay::ToServer),
        ),
        (
            quiesced,
            ACK,
            Plan::ToServer(quiesced),
            Plan::ToServer(quiesced),
        ),
        (
            DELETED,
            ACK,
            Plan::Drop(Reason::ServerDeleted),
            Plan::Replace(DELETED, Stay::Drop),
        ),
        (BYPASS, ACK, Plan::Onward(BYPASS), Plan::Onward(BYPASS)),
        (
            Conn {
                state: State::Close,
                ..BYPASS
            },
            SYN,
            Plan::Replace(
                Conn {
                    state: State::Close,
                    ..BYPASS
                },
                Stay::Onward,
            ),
            Plan::Replace(
                Conn {
                    state: State::Close,
                    ..BYPASS
                },
                Stay::Onward,
            ),
        ),
        (
            Conn {
                state: State::Close,
                ..DELETED
            },
            SYN,
            Plan::Replace(
                Conn {
                    state: State::Close,
                    ..DELETED
                },
                Stay::Drop,
            ),
            Plan::Replace(
                Conn {
                    state: State::Close,
                    ..DELETED
                },
                Stay::Drop,
            ),
        ),
    ] {
        for (expire_nodest, expected) in [(false, without), (true, with)] {
            let facts = Facts {
                rules: Rules {
                    reuse: 1,
                    expire_nodest,
                },
                ..Facts::of(packet(6, flags))
            };
            let found = Some((conn, REQUEST));
            assert_eq!(
                plan(Point::Local, found, &facts),
                expected,
                "{conn:?} {flags}"
            );
        }
    }
}

#[test]
fn the_successor_of_a_connection_is_opened_unless_the_packet_is_tracked_as_the_old_one() {
    for (is_tracked, flags, expected) in [
        (false, SYN, Plan::Open),
        (false, ACK, Plan::Pass),
        (false, SYN | RST, Plan::Pass),
        (true, SYN, Plan::Drop(Reason::Tracked)),
        (true, ACK, Plan::Drop(Reason::Tracked)),
    ] {
        let facts = Facts::of(packet(6, flags));
        let plan = successor::<Conn, _>(is_tracked, &facts.flow(), &facts);
        assert_eq!(plan, expected, "{is_tracked} {flags}");
    }
}

#[test]
fn the_plan_of_an_established_connection_asks_for_no_fact() {
    for (point, direction) in [
        (Point::Local, REQUEST),
        (Point::Local, REPLY),
        (Point::Forward, REPLY),
    ] {
        let facts = Facts::of(packet(6, ACK));
        let _ = plan(point, Some((ESTABLISHED, direction)), &facts);
        assert_eq!(facts.asked.get(), 0);
    }
}

#[test]
fn a_connection_that_cannot_end_keeps_its_packet() {
    assert_eq!(Stay::ToServer.plan(CLOSED), Plan::ToServer(CLOSED));
    assert_eq!(Stay::Onward.plan(CLOSED), Plan::Onward(CLOSED));
    assert_eq!(Stay::Drop.plan(CLOSED), Plan::Drop(Reason::ServerDeleted));
}
