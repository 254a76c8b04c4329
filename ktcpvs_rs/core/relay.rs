// SPDX-License-Identifier: GPL-2.0

//! What happens next on the two connections of a relay.
//!
//! The machine knows nothing of sockets. Events go in by [`Relay::on`], and [`Relay::poll`] says what has to be done. Whoever drives
//! it calls `poll` until the effect is [`Effect::Wait`], and reports each outcome that the effect asks for before the next call.
//! Time is a number of any unit that the caller chooses, and an argument.
//!
//! ```text
//! HEAD ──complete──> CHOOSE ──pooled────────────────> EXCHANGE (Each) ──answer is through──> HEAD, or LINGER
//!  │ bad, late         │ new: CONNECTING ──connected──>  or TUNNEL (First, Connection) ──both have ended──> END
//!  v                   │         │ refused, late: CHOOSE again, at most 3 times
//! FAULT <──nobody──────┴─────────┘
//!  └──sent──> LINGER ──FIN of the client, or late──> END
//! ```
//!
//! In an exchange the request and the answer move at the same time, as a server may answer before it has the whole request. No byte
//! is kept here: what cannot be sent stays in the queue of the socket that it came from, whose window closes. Only heads are taken
//! out of the queue as a whole, since they may be changed.
//!
//! An answer that does not come to its end must not look as if it had. So a client is reset, and gets no FIN, if its answer breaks
//! off.

mod arrival;
mod ending;
mod outcome;
mod turn;

use crate::http::{
    answer::{self, Answer},
    edits::Fate,
    framing::Body,
    request::{self, Request},
    Fault, Framing,
};

/// The greatest number of servers that are tried for one request.
pub const TRIES_MAX: u8 = 3;
/// The greatest number of interim answers to one request.
pub const INTERIMS_MAX: u8 = 16;
/// So many bytes of a client are dropped at most before its connection ends.
pub const LINGER_MAX: u64 = 64 * 1024;

/// One of the two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// That of the client.
    Client,
    /// That of the server.
    Server,
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// What a relay reads before it chooses a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: the server may speak first.
    Connection,
    /// The head of the first request. Later ones go to the same server.
    First,
    /// The head of each request.
    Each,
}

/// How long a relay waits.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// For the first byte of the next request.
    pub idle: u64,
    /// From the first byte of a head to its last one.
    pub head: u64,
    /// For any byte to move in either direction.
    pub read: u64,
    /// For a connection to a server.
    pub connect: u64,
    /// For the FIN of a client.
    pub linger: u64,
}

/// What a service wants of its relays.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What is read.
    pub mode: Mode,
    /// Whether there is a server that stands in where others fail.
    pub has_redirect: bool,
    /// The longest body of a request.
    pub max_body: u64,
    /// The longest head of a request; at most [`HEAD_MAX`](crate::http::HEAD_MAX).
    pub max_head: u16,
    /// The time-outs.
    pub times: Times,
}

/// Why the caller stopped before the limit of a movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It did not: as many bytes as were asked for have moved, or the caller's turn is over. A head was sent to its end.
    Limit,
    /// There are no more bytes.
    Empty,
    /// There are no more bytes, and the peer has said FIN.
    End,
    /// There is no room, or no memory. [`Event::Room`] comes when it is worth trying again.
    Full,
}

/// Which connection to a server there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// One that was used before, and is lent from the pool.
    Pooled,
    /// None, so it has to be made.
    New,
    /// There is no server.
    Nobody,
}

/// What has happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// There are bytes, or the peer has said FIN.
    Ready(Side),
    /// There is room to send.
    Room(Side),
    /// The connection was reset, or has an error.
    Broken(Side),
    /// The connection to the server is there.
    Connected,
    /// The connection to the server was refused.
    Refused,
    /// The service stops: no more requests are read.
    Stop,
    /// Everything ends now.
    Abort,
    /// Time has passed; see [`Relay::deadline`].
    Time,
    /// The outcome of [`Effect::Choose`].
    Chosen(Chosen),
    /// The outcome of [`Effect::Look`]: the bytes at the front of the queue, as many as a head may have.
    Seen {
        /// The bytes.
        bytes: &'a [u8],
        /// Whether the peer has said FIN behind them.
        is_end: bool,
    },
    /// The outcome of [`Effect::Move`] and [`Effect::Discard`].
    Moved {
        /// The number of bytes.
        bytes: u64,
        /// Why there were no more.
        halt: Halt,
    },
    /// The outcome of [`Effect::SendHead`] and [`Effect::SendFault`].
    Sent {
        /// The number of bytes.
        bytes: u32,
        /// [`Halt::Limit`] if the last byte was sent.
        halt: Halt,
    },
}

/// What has to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing, until an event.
    Wait,
    /// Look at the bytes at the front of the queue and leave them there; [`Event::Seen`].
    Look(Side),
    /// Take the head of so many bytes out of the queue.
    Take {
        /// Whose head it is.
        side: Side,
        /// Its length.
        bytes: u16,
    },
    /// Choose a server for the request, one that was not tried for it; [`Event::Chosen`].
    Choose {
        /// Whether the connection must be a new one.
        is_new: bool,
    },
    /// Connect to a server; [`Event::Connected`] or [`Event::Refused`] comes later.
    Connect {
        /// Whether it is the one that stands in for others.
        is_redirect: bool,
    },
    /// Send the head that was taken, with its changes, from a place on; [`Event::Sent`].
    SendHead {
        /// To whom.
        to: Side,
        /// So many bytes of it were sent before.
        from: u32,
        /// What an answer has to say about the connection.
        fate: Fate,
    },
    /// Send the answer of the switch itself to the client, from a place on; [`Event::Sent`].
    SendFault {
        /// Which one.
        fault: Fault,
        /// Whether it has no body.
        is_head: bool,
        /// So many bytes of it were sent before.
        from: u32,
    },
    /// Move bytes from this side to the other; [`Event::Moved`].
    Move {
        /// From where.
        from: Side,
        /// So many at most.
        limit: u64,
    },
    /// Read bytes of the client and drop them; [`Event::Moved`].
    Discard {
        /// So many at most.
        limit: u64,
    },
    /// Put the connection to the server into the pool.
    Pool,
    /// Close the connection to the server.
    Release,
    /// Say FIN.
    CloseWrite(Side),
    /// Reset the connection.
    Reset(Side),
    /// Close what is left. Nothing is done behind this.
    End,
}

/// What a connection can do, as far as is known.
#[derive(Clone, Copy, Debug)]
struct Link {
    /// There may be bytes to read.
    is_ready: bool,
    /// There may be room to send.
    has_room: bool,
}

impl Link {
    const NEW: Self = Self {
        is_ready: true,
        has_room: true,
    };
}

/// The outcome that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    Chosen,
    Seen(Side),
    Moved(Side),
    Discarded,
    SentHead(Side),
    SentFault,
}

/// Where the relay is.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Waits for a head, or reads one.
    Head {
        has_begun: bool,
    },
    Choose,
    Connecting,
    Exchange {
        up: Up,
        down: Down,
    },
    /// Bytes move both ways, as long as each direction is open.
    Tunnel {
        up: bool,
        down: bool,
    },
    Fault {
        fault: Fault,
        sent: u32,
    },
    Linger {
        has_closed: bool,
        dropped: u64,
    },
    Ending {
        client: bool,
        server: bool,
    },
    Ended,
}

/// The way of a request to the server.
#[derive(Clone, Copy, Debug)]
enum Up {
    Head { sent: u32 },
    Body(Body),
    Done,
}

/// The way of the answer to the client.
#[derive(Clone, Copy, Debug)]
enum Down {
    Head,
    SendHead { sent: u32 },
    Body(Body),
}

/// A reader of the head that comes in.
#[derive(Clone, Copy, Debug)]
enum Reader {
    Request(request::Reader),
    Answer(answer::Reader),
}

/// The state of a relay.
#[derive(Clone, Copy, Debug)]
pub struct Relay {
    settings: Settings,
    phase: Phase,
    asked: Asked,
    /// What is done before all else.
    first: Option<Effect>,
    client: Link,
    /// The connection to the server, if there is one.
    server: Option<Link>,
    is_pooled: bool,
    reader: Reader,
    request: Option<Request>,
    answer: Option<Answer>,
    fate: Fate,
    deadline: u64,
    /// Servers that were tried for this request without success, and what the client is told if there is no other.
    tries: u8,
    failure: Fault,
    is_retried: bool,
    is_redirected: bool,
    /// The connection that is waited for was not asked for yet.
    is_connect_due: bool,
    /// Bytes of the body of this request that were sent.
    body_sent: u64,
    /// Whether the server has sent a byte for this request.
    has_answered: bool,
    interims: u8,
    is_stopping: bool,
    /// Whose turn it is to move bytes first.
    prefers_down: bool,
}

impl Relay {
    /// A relay whose client has connected at `now`.
    pub fn new(settings: Settings, now: u64) -> Self {
        let phase = match settings.mode {
            Mode::Connection => Phase::Choose,
            Mode::First | Mode::Each => Phase::Head { has_begun: false },
        };
        Self {
            settings,
            phase,
            asked: Asked::Nothing,
            first: None,
            client: Link::NEW,
            server: None,
            is_pooled: false,
            reader: Reader::Request(request::Reader::with_limit(settings.max_head)),
            request: None,
            answer: None,
            fate: Fate::Persists,
            deadline: now.saturating_add(settings.times.idle),
            tries: 0,
            failure: Fault::ServiceUnavailable,
            is_retried: false,
            is_redirected: false,
            is_connect_due: false,
            body_sent: 0,
            has_answered: false,
            interims: 0,
            is_stopping: false,
            prefers_down: false,
        }
    }

    /// When [`Event::Time`] has an effect, if nothing happens before.
    pub const fn deadline(&self) -> u64 {
        self.deadline
    }

    /// The request that is answered, whose head was read.
    pub const fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// The answer whose head was read.
    pub const fn answer(&self) -> Option<&Answer> {
        self.answer.as_ref()
    }

    /// Whether [`Effect::End`] was said.
    pub const fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// Where the relay is, in one word of at most 15 bytes.
    pub const fn state(&self) -> &'static str {
        match self.phase {
            Phase::Head { has_begun: false } => "idle",
            Phase::Head { has_begun: true } => "head",
            Phase::Choose => "choosing",
            Phase::Connecting => "connecting",
            Phase::Exchange { .. } => "exchange",
            Phase::Tunnel { .. } => "tunnel",
            Phase::Fault { .. } => "fault",
            Phase::Linger { .. } => "lingering",
            Phase::Ending { .. } | Phase::Ended => "ending",
        }
    }

    /// Whether there is more to come of the request whose first bytes have, as far as its head says.
    pub const fn is_incomplete(&self) -> bool {
        match (self.phase, &self.request) {
            (Phase::Head { has_begun }, _) => has_begun,
            (_, Some(request)) => !matches!(request.framing, Framing::None),
            (_, None) => false,
        }
    }

    /// Whether the relay waits for a request of which no byte has come.
    pub const fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Head { has_begun: false })
    }
}
