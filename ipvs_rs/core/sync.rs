// SPDX-License-Identifier: GPL-2.0

//! Synchronisation of the connections of two directors: the datagrams, and when they are sent.
//!
//! ```text
//!   a master    decision ──> Entry ──> Writer ──> datagram
//!   a backup    datagram ──> parse ──> Entries ──> Entry
//! ```
//!
//! Entries are also what connections are saved as, with [`Saved`] besides.

mod announced;
mod authentication;
mod control;
mod datagram;
pub mod decision;
mod entry;
mod event;
mod replay;
mod saved;
mod trailer;
mod v0;
mod v1;
mod window;
mod writer;

pub use crate::engine::EngineData;
pub use announced::Announced;
pub use authentication::{sign, Authentication, Code, Proof, Sender, CODE_LEN};
pub use control::{Control, ControlKind, CONTROL_LEN, NUMBERED_CONTROL_LEN};
pub use datagram::{parse, Entries, Fault, Malformed, Refused, Skipped, Version};
pub use entry::{Entry, Saved, Sequence, SequenceShift};
pub use event::Event;
pub use replay::{Replay, Replayed};
pub use trailer::{sender_of, sequence_from, Trailer, TRAILER_LEN};
pub use window::Window;
pub use writer::{Unwritten, Writer, LEAST_ROOM};
