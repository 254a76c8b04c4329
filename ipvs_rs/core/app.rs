// SPDX-License-Identifier: GPL-2.0

//! Application protocols whose text names addresses, ports or calls that a balancer must know.
//!
//! | module | protocol | what a balancer needs of it |
//! |---|---|---|
//! | [`ftp`] | FTP, RFC 959 and RFC 2428 | the addresses of data connections, to open and to rewrite them |
//! | [`rtsp`] | RTSP, RFC 2326 | the ports of media, to open them, and the server's address beside them |
//! | [`sip`] | SIP, RFC 3261 | the Call-ID of a message, by which calls persist |
//!
//! A parser gets the payload of one packet. It reads the payload once from front to back, and gives ranges of bytes within
//! it. Text that goes on in the next packet is reported as incomplete or kept, and is never read in part.

mod address;
mod cursor;
pub mod ftp;
pub mod rtsp;
pub mod sip;
mod text;

pub use text::Text;
