// SPDX-License-Identifier: GPL-2.0

//! The answers of the switch itself.

/// Why a request is not answered by a server. Each reason has a status (RFC 9110, section 15) and one constant answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Fault {
    /// 400: the request is malformed or has two readings.
    BadRequest = 400,
    /// 408: the head was not complete in time.
    RequestTimeout = 408,
    /// 413: the body is longer than the service allows.
    ContentTooLarge = 413,
    /// 414: the request line is too long.
    UriTooLong = 414,
    /// 417: an expectation other than `100-continue`.
    ExpectationFailed = 417,
    /// 431: the head is too long, or has too many fields.
    HeadTooLarge = 431,
    /// 501: a method or a transfer coding that the switch does not have.
    NotImplemented = 501,
    /// 502: the server broke off, or its answer is malformed.
    BadGateway = 502,
    /// 503: no rule matches, or no server is there for the rule.
    ServiceUnavailable = 503,
    /// 504: the server was not reached, or did not answer, in time.
    GatewayTimeout = 504,
    /// 505: a major version other than 1.
    VersionNotSupported = 505,
}

/// The head and the body of an answer. `$length` is the length of the reason and a line feed.
macro_rules! answer {
    ($status:literal, $reason:literal, $length:literal) => {
        (
            concat!(
                "HTTP/1.1 ",
                $status,
                " ",
                $reason,
                "\r\nContent-Type: text/plain\r\nContent-Length: ",
                $length,
                "\r\nConnection: close\r\n\r\n"
            )
            .as_bytes(),
            concat!($reason, "\n").as_bytes(),
        )
    };
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 11] = [
        Self::BadRequest,
        Self::RequestTimeout,
        Self::ContentTooLarge,
        Self::UriTooLong,
        Self::ExpectationFailed,
        Self::HeadTooLarge,
        Self::NotImplemented,
        Self::BadGateway,
        Self::ServiceUnavailable,
        Self::GatewayTimeout,
        Self::VersionNotSupported,
    ];

    /// The status code.
    pub const fn status(self) -> u16 {
        // CAST: the number of the variant.
        self as u16
    }

    /// Whether another server may answer instead: nothing is wrong with the request.
    pub const fn is_of_servers(self) -> bool {
        matches!(
            self,
            Self::BadGateway | Self::ServiceUnavailable | Self::GatewayTimeout
        )
    }

    /// The answer: its head, and its body, which is left out in an answer to HEAD.
    pub const fn answer(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::BadRequest => answer!("400", "Bad Request", "12"),
            Self::RequestTimeout => answer!("408", "Request Timeout", "16"),
            Self::ContentTooLarge => answer!("413", "Content Too Large", "18"),
            Self::UriTooLong => answer!("414", "URI Too Long", "13"),
            Self::ExpectationFailed => answer!("417", "Expectation Failed", "19"),
            Self::HeadTooLarge => answer!("431", "Request Header Fields Too Large", "32"),
            Self::NotImplemented => answer!("501", "Not Implemented", "16"),
            Self::BadGateway => answer!("502", "Bad Gateway", "12"),
            Self::ServiceUnavailable => answer!("503", "Service Unavailable", "20"),
            Self::GatewayTimeout => answer!("504", "Gateway Timeout", "16"),
            Self::VersionNotSupported => answer!("505", "HTTP Version Not Supported", "27"),
        }
    }

    /// The bytes of the answer from the place `from` on, in at most two pieces. `is_head` says whether the request is HEAD.
    pub fn rest(self, is_head: bool, from: usize) -> [&'static [u8]; 2] {
        let (head, body) = self.answer();
        let body = if is_head { &[] } else { body };
        let of_body = from.saturating_sub(head.len());
        [
            head.get(from..).unwrap_or_default(),
            body.get(of_body..).unwrap_or_default(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{answer, Framing};

    #[test]
    fn every_answer_is_one_that_we_would_pass_on() {
        for fault in Fault::ALL {
            let (head, body) = fault.answer();
            let read = answer::Reader::new(false).read(head).unwrap().unwrap();
            assert_eq!(read.status, fault.status());
            assert_eq!(read.framing, Framing::Length(body.len() as u64));
            assert_eq!(usize::from(read.len), head.len());
            assert!(!read.persists && body.ends_with(b"\n"));
        }
    }

    #[test]
    fn the_rest_is_what_was_not_sent_yet() {
        for fault in Fault::ALL {
            let (head, body) = fault.answer();
            for (is_head, whole) in [(true, head.to_vec()), (false, [head, body].concat())] {
                for from in 0..whole.len() + 2 {
                    let rest = fault.rest(is_head, from).concat();
                    assert_eq!(rest, whole.get(from..).unwrap_or_default());
                }
            }
        }
    }
}
