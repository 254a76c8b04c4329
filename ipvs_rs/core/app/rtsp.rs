// SPDX-License-Identifier: GPL-2.0

//! RTSP control connections: messages that tell between which ports media will flow (RFC 2326).
//!
//! ```text
//!   SETUP rtsp://example.com/a RTSP/1.0                 RTSP/1.0 200 OK
//!   CSeq: 3                                             CSeq: 3
//!   Transport: RTP/AVP;unicast;client_port=4588-4589    Transport: RTP/AVP;client_port=4588-4589;server_port=6256-6257
//! ```
//!
//! The first ports of both are those of RTP, the second ones those of RTCP. A [`Conversation`] reads the packets of both directions,
//! and says which [`Media`] a reply promises. Media in frames on the control connection itself (`interleaved`) need
//! nothing, nor do media to a multicast group.
//!
//! ```text
//!   packet ──> Reader ──> lines of heads ──> Transports ──> Transport ──> Media, and the place of the server's address
//! ```
//!
//! # What has to change
//!
//! Ports stay as they are. A client keeps its address behind the balancer, so its ports are right. The media come from the
//! virtual address and the port of the server, as nobody else can have that port for this port of this client. The parameter
//! `source` is the only one that names the server. It may be left out if it is the address of the control connection, so its text
//! becomes a parameter that means nothing, of the same length ([`unnamed`]). A packet that comes again after only one part of it had
//! arrived fits to that part for this reason, whether it is read once more or not.
//!
//! # Lines
//!
//! A control connection carries messages, each with a body of the length that its head tells, and media in frames between them
//! (`$`, section 10.12). Bodies and frames are passed over, so what they contain is not taken for a message, unless
//! so much is missing that it is not known where they end. Lines end with LF, and a CR before it does not count. Heads may come in any number of packets: the start of a line is kept until its end
//! comes, up to [`LONGEST`] bytes. It was sent on meanwhile, and only what is still in the packet is changed. A longer line that comes in
//! several packets is left alone, and so are lines that continue another one (a blank at their start).

mod conversation;
mod line;
mod reader;
mod transport;

pub use conversation::{Answer, Conversation, Ends, Media, MOST};
pub use reader::{Segment, LONGEST};
pub use transport::{unnamed, Ports};
