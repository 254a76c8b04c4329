// SPDX-License-Identifier: GPL-2.0

//! FTP control connections: commands and replies that tell where a data connection will be (RFC 959, RFC 2428).
//!
//! | | classic form, IPv4 | extended form, both families |
//! |---|---|---|
//! | the client will listen | `PORT h,h,h,h,p,p` | `EPRT \|f\|address\|port\|` |
//! | the server shall listen | `PASV` | `EPSV` |
//! | the server listens | `227 text (h,h,h,h,p,p)` | `229 text (\|\|\|port\|)` |
//!
//! ```text
//!   client to server   Commands ──> Command ──> Control::command
//!   server to client   Replies  ──> Reply, if Control::expects it ──> text at Reply::place ──> Control::rewritten
//! ```
//!
//! A [`Conversation`] does this for the packets of a connection, and says what is to be done with each.
//!
//! # Lines
//!
//! Both directions are lines of text. A line ends with LF, and CR in front of that LF does not count: vsftpd, ProFTPD and
//! Pure-FTPd read commands so, although RFC 959 has CR LF only. CR without LF ends no line there or here. A command or
//! a code counts at the start of a line only, and a packet may have any number of lines.
//!
//! A line whose end is in a later packet may be a command or a reply of the table. Then it is reported as [`Incomplete`], and the
//! caller can hold it back from there, or refuse it. A caller that lets it pass loses that command.
//!
//! # Where this differs from the C module
//!
//! The C module looks for PASV and EPSV anywhere in a packet, and for the others at the start of a packet. It takes CR LF
//! only. It does not compare addresses: see [`Objection`]. It forgets the mode when it could not rewrite a reply: see [`Control`].

mod command;
mod control;
pub mod conversation;
mod line;
mod reply;

pub use command::{Command, Commands, Endpoint, Objection};
pub use control::{Control, Mode};
pub use conversation::Conversation;
pub use line::{Incomplete, Position};
pub use reply::{Replies, Reply};

use super::cursor::Cursor;
use crate::addr::Family;

/// The form of a command or of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// PORT, PASV and 227 (RFC 959): for IPv4 only, with six numbers.
    Classic,
    /// EPRT, EPSV and 229 (RFC 2428): for both families, with delimiters.
    Extended,
}

/// Moves over `h,h,h,h,p,p`: an IPv4 address and a port, which is not 0.
fn six_numbers(cursor: &mut Cursor<'_>) -> Option<([u8; 4], u16)> {
    let mut numbers = [0; 6];
    for (index, number) in (0..).zip(&mut numbers) {
        if index > 0 && !cursor.eat(b',') {
            return None;
        }
        *number = u8::try_from(cursor.number(3)?).ok()?;
    }
    let [a, b, c, d, high, low] = numbers;
    let port = u16::from_be_bytes([high, low]);
    (port != 0).then_some(([a, b, c, d], port))
}

/// The number of a family in EPRT, EPSV and 229 (RFC 2428, section 2).
const fn number_of(family: Family) -> u8 {
    match family {
        Family::V4 => b'1',
        Family::V6 => b'2',
    }
}
