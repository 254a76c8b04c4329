// SPDX-License-Identifier: GPL-2.0

//! The events of daemons that are counted, and the names under which they are.

use super::{Fault, Malformed, Refused, Replayed, Skipped};

/// Declares the events with their names and the texts about them.
macro_rules! events {
    ($($(#[doc = $text:literal])+ $event:ident = $name:literal,)+) => {
        /// An event of a daemon.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Event {
            $($(#[doc = $text])+ $event,)+
        }

        impl Event {
            /// All events, in the order of their numbers.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$event),+];

            /// The name in `/proc/net/ip_vs_sync`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$event => $name,)+
                }
            }
        }
    };
}

events! {
    /// A master sent a datagram.
    SentDatagram = "sent_datagrams",
    /// A master sent an entry.
    SentEntry = "sent_entries",
    /// A master dropped a datagram that the socket did not take.
    SendError = "send_errors",
    /// A master dropped a message, as its queue was full.
    QueueFull = "queue_full",
    /// A master sent an entry of a bulk.
    SentBulk = "sent_bulk_entries",
    /// A master sent a datagram again.
    Repeated = "repeated_datagrams",
    /// A master sent an entry again.
    RepeatedEntry = "repeated_entries",
    /// A master could not send a datagram again.
    Lost = "lost_datagrams",
    /// A master said how far it is, or that it cannot send a datagram again.
    SentControl = "sent_controls",
    /// A backup asked for all connections.
    AskedBulk = "asked_bulks",
    /// A backup asked for missing datagrams.
    AskedRepeat = "asked_repeats",
    /// A backup received a message about messages.
    Heard = "received_controls",
    /// A backup received a datagram.
    Received = "received_datagrams",
    /// A backup made a connection.
    New = "new",
    /// A backup made a connection whose server is not configured.
    NewUnbound = "new_without_server",
    /// A backup updated a connection.
    Updated = "updated",
    /// A backup ended a connection, as the master did at the command of a user.
    Ended = "ended",
    /// A backup ignored the end of a connection that was replaced.
    Late = "late",
    /// A backup made no connection, as there are as many as there may be.
    ConnMax = "conn_max",
    /// A backup made no connection for want of memory.
    NoMemory = "no_memory",
    /// The datagram is of a director that is none of the peers.
    Stranger = "stranger",
    /// The datagram is of this director, and was sent back to it.
    Reflected = "reflected",
    /// The datagram has no code, and must have one.
    Unsigned = "unsigned",
    /// The code of the datagram is of a key that is not known.
    UnknownKey = "unknown_key",
    /// The code of the datagram is wrong.
    WrongCode = "wrong_code",
    /// The datagram was taken before, or is too old to tell.
    Replayed = "replayed",
    /// The datagram is of an earlier run of its sender.
    EarlierRun = "earlier_run",
    /// The datagram is of another thread of its sender than the one that sends to this port.
    OtherThread = "other_thread",
    /// The datagram is of one director more than are told apart.
    ManySenders = "many_senders",
    /// The datagram is shorter than a header.
    TooShort = "too_short",
    /// The datagram has another length than its header says.
    Length = "wrong_length",
    /// The datagram is for directors with another sync id.
    SyncId = "other_sync_id",
    /// The entry has an unknown option that is not optional.
    Option = "unknown_option",
    /// The entry has flags that exclude each other.
    Flags = "wrong_flags",
    /// The entry is of an unknown protocol.
    Protocol = "unknown_protocol",
    /// The entry has an unknown state.
    State = "unknown_state",
    /// The entry has data of a persistence engine that is not there.
    Engine = "unknown_engine",
    /// The entry is cut off.
    CutOff = "cut_off",
    /// The entry is malformed.
    Malformed = "malformed",
}

impl From<Replayed> for Event {
    fn from(replayed: Replayed) -> Self {
        match replayed {
            Replayed::Epoch => Self::EarlierRun,
            Replayed::TooOld | Replayed::Twice => Self::Replayed,
        }
    }
}

impl From<Refused> for Event {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::TooShort => Self::TooShort,
            Refused::Length => Self::Length,
            Refused::SyncId => Self::SyncId,
        }
    }
}

impl From<Fault> for Event {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Skipped(Skipped::Option) => Self::Option,
            Fault::Skipped(Skipped::Flags) => Self::Flags,
            Fault::Skipped(Skipped::Protocol) => Self::Protocol,
            Fault::Skipped(Skipped::State) => Self::State,
            Fault::Skipped(Skipped::Engine) => Self::Engine,
            Fault::Malformed(Malformed::CutOff) => Self::CutOff,
            Fault::Malformed(_) => Self::Malformed,
        }
    }
}
