// SPDX-License-Identifier: GPL-2.0

//! Application protocols whose text names addresses, ports or calls that a balancer must know.
//!
//! | module | protocol | what a balancer needs of it |
//! |---|---|---|
//! | [`ftp`] | FTP, RFC 959 and RFC 2428 | the addresses of data connections, to open and to rewrite them |
//! | [`sip`] | SIP, RFC 3261 | the Call-ID of a message, by which calls persist |
//!
//! A parser gets the payload of one packet. It reads the payload once from front to back, and gives ranges of bytes within
//! it. Text that goes on in the next packet is reported as incomplete, and is never read in part.

mod address;
mod cursor;
pub mod ftp;
pub mod sip;
mod text;

pub use text::Text;
