// SPDX-License-Identifier: GPL-2.0

//! RTSP: media by UDP between ports of which control connections tell, for NAT.
//!
//! A reply to SETUP has the ports of the client and of the server. Media between them, of both directions, are translated as the
//! control connection is. The client learns no address of the server: it sends to where its control connection leads.

#![forbid(unsafe_code)]

use ipvs::plugin::helper::{Direction, Exchange, Expected, Helper, Parameters, Payload, Transport};
use ipvs_core::app::rtsp::{unnamed, Answer, Conversation, Ends, Media, Segment};
use kernel::prelude::*;

ipvs::helper_module! {
    helper: Rtsp,
    name: "ip_vs_rtsp",
    authors: ["The ipvs_rs authors"],
    description: "IPVS helper for RTSP (Rust)",
    license: "GPL",
}

/// The helper `rtsp`.
struct Rtsp;

impl Helper for Rtsp {
    const NAME: &'static str = "rtsp";
    type Session = Conversation;

    fn serves() -> impl Iterator<Item = (Transport, u16)> {
        let ports = Parameters::find(c"ports").map_or(&[][..], |ports| ports.values());
        let used = ports.iter().filter(|&&port| port != 0);
        used.map(|&port| (Transport::Tcp, port))
    }

    fn packet(
        exchange: &Exchange<'_>,
        conversation: &mut Conversation,
        payload: &mut Payload<'_>,
    ) -> Result {
        if payload.is_empty() {
            return Ok(());
        }
        let is_of_client = exchange.direction != Direction::Output;
        let (sequence, len) = (payload.sequence(), payload.len());
        // Media on the control connection itself.
        if conversation.pass_over(is_of_client, sequence, len, |at| payload.peek(at)) {
            return Ok(());
        }
        let mut now = *conversation;
        let segment = Segment {
            sequence,
            payload: payload.bytes()?,
        };
        let ends = Ends {
            family: exchange.service.family,
            client: exchange.client.addr,
            server: exchange.server.addr,
        };
        if is_of_client {
            if now.request(&segment, &ends) {
                keep(exchange, &now, payload);
            }
        } else {
            let answer = now.answer(&segment, &ends);
            prepare(exchange, &answer, payload)?;
        }
        // Not before: what could not be done is done when the packet comes again.
        *conversation = now;
        Ok(())
    }
}

/// Lets media that pause wait for as long as if they were new.
fn keep(exchange: &Exchange<'_>, conversation: &Conversation, payload: &mut Payload<'_>) {
    for media in conversation.media() {
        // A request is worth more than media that can no longer flow.
        let _ = expect(exchange, &media, payload);
    }
}

/// Does what a reply needs: prepares its media, and takes the server's address out.
fn prepare(exchange: &Exchange<'_>, answer: &Answer, payload: &mut Payload<'_>) -> Result {
    for media in answer.media.iter().flatten() {
        expect(exchange, media, payload)?;
    }
    for place in answer.named.iter().flatten() {
        let text = unnamed(place).ok_or(EINVAL)?;
        payload.replace(place.clone(), text)?;
    }
    Ok(())
}

/// Prepares the flows of a stream.
fn expect(exchange: &Exchange<'_>, media: &Media, payload: &mut Payload<'_>) -> Result {
    for (client_port, server_port) in media.flows() {
        let expected = Expected {
            transport: Transport::Udp,
            client: exchange.client.addr,
            client_port,
            virtual_port: server_port,
            server_port,
        };
        exchange.expect(&expected, payload)?;
    }
    Ok(())
}
