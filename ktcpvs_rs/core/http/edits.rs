// SPDX-License-Identifier: GPL-2.0

//! What is left out of a head, and put into it, when it is passed on.
//!
//! Fields that are for one connection only stay on it (RFC 9110, section 7.6.1): `Connection` and what it names, `Keep-Alive`,
//! `Proxy-Connection`, `Upgrade` unless it is for WebSocket, and in requests `TE` unless it is `trailers`. A head without any of
//! them is passed on as it is.

use core::ops::Range;

use super::{
    answer::Answer,
    field::{self, Field},
    meaning::is_trailers,
    request::Request,
    scan::{elements, position},
    OPTIONS_MAX,
};

/// The greatest number of changes to one head.
pub const EDITS_MAX: usize = 16;

/// The field that goes with `Upgrade`.
const UPGRADE: &[u8] = b"Connection: upgrade\r\n";
/// The field of an answer behind which the connection ends.
const CLOSE: &[u8] = b"Connection: close\r\n";
/// The field of an answer to a client of HTTP/1.0 whose connection stays open.
const KEEP_ALIVE: &[u8] = b"Connection: keep-alive\r\n";

/// There are more changes than [`EDITS_MAX`], or they are not in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// One change.
#[derive(Clone, Debug, Default)]
struct Edit<'a> {
    /// What is left out.
    cut: Range<usize>,
    /// What takes its place.
    put: &'a [u8],
}

/// Changes to a head, in the order of their places.
#[derive(Clone, Debug, Default)]
pub struct Edits<'a> {
    edits: [Edit<'a>; EDITS_MAX],
    len: usize,
}

/// What becomes of the client's connection behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays open, as connections of HTTP/1.1 do.
    Persists,
    /// It stays open, which a client of HTTP/1.0 has to be told.
    KeepsAlive,
    /// It ends.
    Closes,
}

impl<'a> Edits<'a> {
    /// No changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is no change.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Replaces the bytes at `cut` by `put`. Changes come in the order of their places. Two cuts side by side with nothing
    /// between them are one change.
    ///
    /// # Errors
    ///
    /// [`Full`]; nothing is changed then.
    pub fn replace(&mut self, cut: Range<usize>, put: &'a [u8]) -> Result<(), Full> {
        let last = self
            .len
            .checked_sub(1)
            .and_then(|at| self.edits.get_mut(at));
        match last {
            Some(last) if last.cut.end > cut.start => return Err(Full),
            Some(last) if last.cut.end == cut.start && last.put.is_empty() => {
                last.cut.end = cut.end.max(last.cut.end);
                last.put = put;
                return Ok(());
            }
            _ => {}
        }
        *self.edits.get_mut(self.len).ok_or(Full)? = Edit { cut, put };
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    /// The pieces of `head` with these changes, in order. There are at most 2 * [`EDITS_MAX`] + 1, and none is empty.
    pub fn pieces<'b>(&'b self, head: &'b [u8]) -> impl Iterator<Item = &'b [u8]> {
        let edits = self.edits.get(..self.len).unwrap_or_default();
        let mut at = 0;
        let changed = edits.iter().flat_map(move |edit| {
            let kept = head.get(at..edit.cut.start).unwrap_or_default();
            at = edit.cut.end;
            [kept, edit.put]
        });
        let end = edits.last().map_or(0, |edit| edit.cut.end);
        let rest = head.get(end..).unwrap_or_default();
        let pieces = changed.chain(core::iter::once(rest));
        pieces.filter(|piece| !piece.is_empty())
    }

    /// Leaves out the fields for which `is_dropped` says so, and those that `Connection` names, unless `is_kept` says so.
    fn drop_fields(
        &mut self,
        head: &[u8],
        start: u16,
        is_dropped: impl Fn(&Field<'_>) -> bool,
        is_kept: impl Fn(&Field<'_>) -> bool,
    ) -> Result<(), Full> {
        let at = usize::from(start);
        let mut options = [&[][..]; OPTIONS_MAX];
        let named = field::fields(head, at)
            .filter(|(_, field)| field.is(b"connection"))
            .flat_map(|(_, field)| elements(field.value));
        for (option, name) in options.iter_mut().zip(named) {
            *option = name;
        }
        for (place, field) in field::fields(head, at) {
            let is_named = || options.iter().any(|option| field.is(option));
            if !is_kept(&field) && (is_hop(&field) || is_dropped(&field) || is_named()) {
                self.replace(place..place.saturating_add(field.len), &[])?;
            }
        }
        Ok(())
    }

    /// Puts a field behind all others.
    fn put_field(&mut self, len: u16, line: &'a [u8]) -> Result<(), Full> {
        let end = usize::from(len).saturating_sub(2);
        self.replace(end..end, line)
    }
}

/// Whether a field is for one connection only, in requests and in answers.
fn is_hop(field: &Field<'_>) -> bool {
    [
        &b"connection"[..],
        b"keep-alive",
        b"proxy-connection",
        b"upgrade",
    ]
    .iter()
    .any(|name| field.is(name))
}

/// The changes to the head of a request, which `request` was read from.
///
/// # Errors
///
/// [`Full`]; the request is refused with 431.
pub fn of_request(head: &[u8], request: &Request) -> Result<Edits<'static>, Full> {
    let mut edits = Edits::new();
    if !request.is_edited {
        return Ok(edits);
    }
    if let Some(empty @ 1..) = position(head, |byte| !matches!(byte, b'\r' | b'\n')) {
        edits.replace(0..empty, &[])?;
    }
    edits.drop_fields(
        head,
        request.fields,
        |field| field.is(b"te"),
        |field| match request.upgrades && field.is(b"upgrade") {
            true => true,
            false => field.is(b"te") && is_trailers(field.value),
        },
    )?;
    if request.upgrades {
        edits.put_field(request.len, UPGRADE)?;
    }
    Ok(edits)
}

/// The changes to the head of an answer, which `answer` was read from. An interim answer says nothing about the connection.
///
/// # Errors
///
/// [`Full`]; the client gets 502 instead.
pub fn of_answer(head: &[u8], answer: &Answer, fate: Fate) -> Result<Edits<'static>, Full> {
    let mut edits = Edits::new();
    let is_upgrade = |field: &Field<'_>| answer.is_switching() && field.is(b"upgrade");
    if answer.is_edited {
        edits.drop_fields(head, answer.fields, |_| false, is_upgrade)?;
    }
    let line = match fate {
        _ if answer.is_switching() => UPGRADE,
        _ if answer.is_interim() => return Ok(edits),
        Fate::Persists => return Ok(edits),
        Fate::KeepsAlive => KEEP_ALIVE,
        Fate::Closes => CLOSE,
    };
    edits.put_field(answer.len, line)?;
    Ok(edits)
}
