// SPDX-License-Identifier: GPL-2.0

//! FTP: the addresses of data connections in the text of control connections, for NAT.
//!
//! The server listens (PASV, EPSV): its reply gets the virtual address, and the client's connection to it leads to the server
//! of the control connection. The client listens (PORT, EPRT): the server's connection comes from the virtual address, and
//! from the port below that of the service.

#![forbid(unsafe_code)]

use ipvs::plugin::helper::{
    Direction, Exchange, Expected, Helper, Parameter, Parameters, Payload, Transport,
};
use ipvs_core::app::ftp::{
    conversation::{Answer, Request, Segment, REFUSAL},
    Conversation, Endpoint, Reply,
};
use kernel::prelude::*;

ipvs::helper_module! {
    helper: Ftp,
    name: "ip_vs_ftp",
    authors: ["The ipvs_rs authors"],
    description: "IPVS helper for FTP (Rust)",
    license: "GPL",
}

/// The helper `ftp`.
struct Ftp;

/// The longest argument of PORT or EPRT that is made unreadable, in bytes.
const LONGEST: usize = 128;
/// It becomes so many of these.
const UNREADABLE: [u8; LONGEST] = [b'x'; LONGEST];

impl Helper for Ftp {
    const NAME: &'static str = "ftp";
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
        let mut now = *conversation;
        let sequence = payload.sequence();
        let segment = Segment {
            family: exchange.service.family,
            sequence,
            payload: payload.bytes()?,
        };
        match exchange.direction {
            Direction::Output => {
                let answer = now.answer(&segment).map_err(|_| EINVAL)?;
                answer_of_server(exchange, &answer, payload)?;
            }
            Direction::Input | Direction::InputOnly => {
                let only = (!may_name_others()).then_some(exchange.client.addr);
                let request = now.request(&segment, only).map_err(|_| EINVAL)?;
                request_of_client(exchange, &request, payload)?;
            }
        }
        // Not before: what could not be done is done when the packet comes again.
        *conversation = now;
        Ok(())
    }
}

/// Whether PORT and EPRT may name another host than the client.
fn may_name_others() -> bool {
    Parameter::find(c"other_hosts").is_ok_and(|allowed| allowed.value() != 0)
}

/// Prepares connections to the client, and makes commands unreadable that name another host.
fn request_of_client(
    exchange: &Exchange<'_>,
    request: &Request,
    payload: &mut Payload<'_>,
) -> Result {
    for &Endpoint { addr, port } in request.listening.iter().flatten() {
        let below = |port: u16| port.checked_sub(1).ok_or(EINVAL);
        let expected = Expected {
            transport: Transport::Tcp,
            client: addr,
            client_port: Some(port),
            virtual_port: below(exchange.service.port)?,
            server_port: below(exchange.server.port)?,
        };
        exchange.expect(&expected, payload)?;
    }
    for range in request.refused.iter().flatten() {
        let length = range.end.checked_sub(range.start).ok_or(EINVAL)?;
        let others = UNREADABLE.get(..length).ok_or(EINVAL)?;
        payload.replace(range.clone(), others)?;
    }
    Ok(())
}

/// Prepares connections to the server, and tells the client of the virtual address.
fn answer_of_server(exchange: &Exchange<'_>, answer: &Answer, payload: &mut Payload<'_>) -> Result {
    if let Some(at) = answer.refused {
        let end = at.checked_add(1).ok_or(EINVAL)?;
        payload.replace(at..end, &[REFUSAL])?;
    }
    // From the last one on, as each moves what is behind it.
    for reply in answer.listening.iter().rev().flatten() {
        let expected = Expected {
            transport: Transport::Tcp,
            client: exchange.client.addr,
            client_port: None,
            virtual_port: reply.port,
            server_port: reply.port,
        };
        exchange.expect(&expected, payload)?;
        rewrite(reply, exchange, payload)?;
    }
    Ok(())
}

/// Gives a reply the virtual address.
fn rewrite(reply: &Reply, exchange: &Exchange<'_>, payload: &mut Payload<'_>) -> Result {
    let text = reply.text(exchange.service.addr, reply.port);
    let present = payload.bytes()?.get(reply.place.clone());
    if present.is_some_and(|present| present == text.as_bytes()) {
        return Ok(());
    }
    payload.replace(reply.place.clone(), text.as_bytes())
}
