// SPDX-License-Identifier: GPL-2.0

//! Reading the lines of a head while it comes in.

use super::{
    field::{self, Field, Line},
    scan::text_len,
    Fault, FIELDS_MAX, HEAD_MAX,
};

/// How far a head was read.
///
/// Whoever reads gives all bytes of the head that are there, each time. A line that is not complete is read again when a control
/// character has come, which is its end or a fault. So a head that comes in byte by byte costs little more than one that comes at
/// once. What is found does not depend on how the bytes came in, but a fault in a line may be found only when the line is complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// The longest head.
    limit: u16,
    /// The place of the next line.
    at: usize,
    /// The line goes on at least to this place.
    seen: usize,
    fields: usize,
}

impl Default for Progress {
    fn default() -> Self {
        // CAST: It fits: places in a head are of 16 bits.
        Self::new(HEAD_MAX as u16)
    }
}

impl Progress {
    /// A head of at most `limit` bytes of which nothing was read.
    pub(super) const fn new(limit: u16) -> Self {
        Self {
            limit,
            at: 0,
            seen: 0,
            fields: 0,
        }
    }

    /// The longest head, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.limit.into()
    }

    /// The place of the next line.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Moves over bytes that belong to no line.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
        self.seen = self.at;
    }

    /// The next line, which `read` reads, with its length; [`None`] if it is not complete.
    ///
    /// # Errors
    ///
    /// What `read` says; `too_long` if the line does not end before the place `limit`.
    pub(super) fn line<'a, T>(
        &mut self,
        head: &'a [u8],
        limit: usize,
        too_long: Fault,
        read: impl FnOnce(&'a [u8]) -> Result<Option<(T, usize)>, Fault>,
    ) -> Result<Option<T>, Fault> {
        let visible = head.get(..limit).unwrap_or(head);
        let is_full = visible.len() >= limit;
        let was_tried = self.seen > self.at;
        let new = visible.get(self.seen..).unwrap_or_default();
        if was_tried && !is_full && text_len(new) == new.len() {
            self.seen = visible.len();
            return Ok(None);
        }
        match read(visible.get(self.at..).unwrap_or_default())? {
            Some((line, len)) => {
                self.skip(len);
                Ok(Some(line))
            }
            None if is_full => Err(too_long),
            None => {
                self.seen = visible.len();
                Ok(None)
            }
        }
    }

    /// Gives each field that is complete to `each`, with the place of its value. True if the head is complete.
    ///
    /// # Errors
    ///
    /// What `each` says; 400 for a malformed line; 431 for a head that is too long, or has too many fields.
    pub(super) fn fields<'a>(
        &mut self,
        head: &'a [u8],
        mut each: impl FnMut(&Field<'a>, usize) -> Result<(), Fault>,
    ) -> Result<bool, Fault> {
        loop {
            let at = self.at;
            let read = |bytes| match field::line(bytes) {
                Ok(None) => Ok(None),
                Ok(Some(line @ Line::Empty)) => Ok(Some((line, 2))),
                Ok(Some(line @ Line::Field(field))) => Ok(Some((line, field.len))),
                Err(field::Malformed) => Err(Fault::BadRequest),
            };
            match self.line(head, self.limit(), Fault::HeadTooLarge, read)? {
                None => return Ok(false),
                Some(Line::Empty) => return Ok(true),
                Some(Line::Field(field)) => {
                    self.fields = self.fields.saturating_add(1);
                    if self.fields > FIELDS_MAX {
                        return Err(Fault::HeadTooLarge);
                    }
                    each(&field, at.saturating_add(field.before))?;
                }
            }
        }
    }
}
