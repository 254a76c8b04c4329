// SPDX-License-Identifier: GPL-2.0

//! What the fields of a head say about the message and the connection.

use super::{
    authority::Authority,
    field::Field,
    scan::{elements, is_token},
    Fault, Span, OPTIONS_MAX,
};

/// Which codings a message was sent in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Codings {
    /// There is no field `Transfer-Encoding`.
    #[default]
    None,
    /// One field, and its value is `chunked`.
    Chunked,
    /// Several codings, of which `chunked` is the last.
    LastChunked,
    /// Other codings.
    Other,
}

/// The field `Upgrade`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Upgrade {
    #[default]
    None,
    /// One field, and its value is `websocket`.
    WebSocket,
    Other,
}

/// What the fields say, as far as they were read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meaning {
    /// The value of `Content-Length`.
    pub(super) length: Option<u64>,
    pub(super) codings: Codings,
    /// The value of `Host`, if there is one.
    pub(super) host: Option<Span>,
    /// `Connection: close`.
    pub(super) closes: bool,
    /// `Connection: keep-alive`.
    pub(super) keeps_alive: bool,
    /// `Connection: upgrade`.
    pub(super) asks_for_upgrade: bool,
    pub(super) upgrade: Upgrade,
    /// `Expect: 100-continue`.
    pub(super) expects: bool,
    /// The value of the first field `Cookie`.
    pub(super) cookie: Span,
    /// Whether there are fields that are for this connection only.
    pub(super) is_edited: bool,
    options: usize,
}

impl Meaning {
    /// Takes a field whose value is at the place `at`.
    ///
    /// # Errors
    ///
    /// 400 if the field contradicts itself or one before it, or is malformed; 417 for an expectation that nobody knows.
    #[inline]
    pub(super) fn take(&mut self, field: &Field<'_>, at: usize) -> Result<(), Fault> {
        // Most fields are told apart by the length of their names.
        match field.name.len() {
            2 if field.is(b"te") => self.is_edited |= !is_trailers(field.value),
            4 if field.is(b"host") => self.take_host(field, at)?,
            6 if field.is(b"cookie") && self.cookie.is_empty() => {
                self.cookie = Span::new(at, field.value.len());
            }
            6 if field.is(b"expect") => {
                if !field.value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Fault::ExpectationFailed);
                }
                self.expects = true;
            }
            7 if field.is(b"upgrade") => {
                let is_first = self.upgrade == Upgrade::None;
                let is_web_socket = field.value.eq_ignore_ascii_case(b"websocket");
                self.upgrade = match is_first && is_web_socket {
                    true => Upgrade::WebSocket,
                    false => Upgrade::Other,
                };
                self.is_edited = true;
            }
            10 if field.is(b"connection") => self.take_connection(field.value)?,
            10 if field.is(b"keep-alive") => self.is_edited = true,
            14 if field.is(b"content-length") => {
                if self.length.is_some() {
                    return Err(Fault::BadRequest);
                }
                self.length = Some(length(field.value).ok_or(Fault::BadRequest)?);
            }
            16 if field.is(b"proxy-connection") => self.is_edited = true,
            17 if field.is(b"transfer-encoding") => self.take_codings(field.value)?,
            _ => {}
        }
        Ok(())
    }

    fn take_host(&mut self, field: &Field<'_>, at: usize) -> Result<(), Fault> {
        let span = Span::new(at, field.value.len());
        match (self.host, Authority::parse(field.value)) {
            (None, Some(_)) => self.host = Some(span),
            _ => return Err(Fault::BadRequest),
        }
        Ok(())
    }

    /// Takes the options of `Connection` (RFC 9110, section 7.6.1). A field that they name is dropped, so they must not name
    /// one that says where the message ends, or whom it is for.
    fn take_connection(&mut self, value: &[u8]) -> Result<(), Fault> {
        self.is_edited = true;
        for option in elements(value) {
            self.options = self.options.saturating_add(1);
            if self.options > OPTIONS_MAX {
                return Err(Fault::HeadTooLarge);
            }
            let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
            self.closes |= is(b"close");
            self.keeps_alive |= is(b"keep-alive");
            self.asks_for_upgrade |= is(b"upgrade");
            if is_vital(option) || !option.iter().all(|byte| is_token(*byte)) {
                return Err(Fault::BadRequest);
            }
        }
        Ok(())
    }

    /// Takes transfer codings. `chunked` with parameters is none, and twice `chunked` is an error (RFC 9112, section 6.1).
    fn take_codings(&mut self, value: &[u8]) -> Result<(), Fault> {
        let is_first = self.codings == Codings::None;
        if is_first && value.eq_ignore_ascii_case(b"chunked") {
            self.codings = Codings::Chunked;
            return Ok(());
        }
        let was_chunked = matches!(self.codings, Codings::Chunked | Codings::LastChunked);
        let (mut times, mut is_last) = (u8::from(was_chunked), was_chunked);
        for coding in elements(value) {
            is_last = coding.eq_ignore_ascii_case(b"chunked");
            times = times.saturating_add(is_last.into());
            let start = coding.get(..7).unwrap_or_default();
            if times > 1 || (start.eq_ignore_ascii_case(b"chunked") && !is_last) {
                return Err(Fault::BadRequest);
            }
        }
        self.codings = match is_last {
            true => Codings::LastChunked,
            false => Codings::Other,
        };
        Ok(())
    }
}

/// Whether the value of `TE` may be passed on.
pub(super) fn is_trailers(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"trailers")
}

/// Whether a field says where a message ends, or whom it is for.
pub(super) fn is_vital(name: &[u8]) -> bool {
    [&b"content-length"[..], b"transfer-encoding", b"host"]
        .iter()
        .any(|vital| vital.eq_ignore_ascii_case(name))
}

/// The value of `Content-Length`: digits only, at most 2^63 - 1.
fn length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 {
        return None;
    }
    let number = value.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })?;
    i64::try_from(number).ok().map(i64::unsigned_abs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_digits_up_to_the_largest_offset() {
        for (text, number) in [
            ("0", Some(0)),
            ("5", Some(5)),
            ("0005", Some(5)),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("9223372036854775808", None),
            ("99999999999999999999", None),
            ("00000000000000000005", None),
            ("", None),
            ("+5", None),
            ("-5", None),
            ("0x5", None),
            ("5 5", None),
            ("5,5", None),
            ("5;", None),
        ] {
            assert_eq!(length(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn codings_are_a_list_over_all_their_fields() {
        for (values, expected) in [
            (&["chunked"][..], Ok(Codings::Chunked)),
            (&["CHUNKED"], Ok(Codings::Chunked)),
            (&["gzip"], Ok(Codings::Other)),
            (&[""], Ok(Codings::Other)),
            (&["gzip, chunked"], Ok(Codings::LastChunked)),
            (&["gzip", "chunked"], Ok(Codings::LastChunked)),
            (&["chunked, gzip"], Ok(Codings::Other)),
            (&["chunked", "gzip"], Ok(Codings::Other)),
            (&["chunked", ""], Ok(Codings::LastChunked)),
            (&["chunked, chunked"], Err(Fault::BadRequest)),
            (&["chunked", "chunked"], Err(Fault::BadRequest)),
            (&["chunked;a=b"], Err(Fault::BadRequest)),
            (&["xchunked"], Ok(Codings::Other)),
        ] {
            let mut meaning = Meaning::default();
            let found = values
                .iter()
                .try_for_each(|value| meaning.take_codings(value.as_bytes()));
            assert_eq!(found.map(|()| meaning.codings), expected, "{values:?}");
        }
    }
}
