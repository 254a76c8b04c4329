// SPDX-License-Identifier: GPL-2.0

//! Both directions of a control connection: the ports for which a client asks, and the media that the server promises.

use core::ops::Range;

use super::{
    line::Kind,
    reader::{Part, Place, Reader, Segment},
    transport::{unnamed, Ports, Transport, Transports},
};
use crate::addr::{Addr, Family};

/// The most streams of one packet that have an effect, and of a control connection that are remembered.
pub const MOST: usize = 8;

/// The addresses of a control connection.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Which kind of addresses they are.
    pub family: Family,
    /// The client's, in network order.
    pub client: Addr,
    /// The server's, in network order.
    pub server: Addr,
}

/// The ports between which a stream flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// The client's; [`None`] if neither side has told them.
    pub client: Option<Ports>,
    /// The server's.
    pub server: Ports,
}

impl Media {
    /// The ports of client and server of each flow: that of RTP, and that of RTCP if both sides have a port for it.
    pub fn flows(&self) -> impl Iterator<Item = (Option<u16>, u16)> {
        let rtp = (self.client.map(|client| client.rtp), self.server.rtp);
        let rtcp = match (self.client, self.server.rtcp) {
            (Some(client), Some(server)) => client.rtcp.map(|client| (Some(client), server)),
            (None, Some(server)) => Some((None, server)),
            (_, None) => None,
        };
        [Some(rtp), rtcp].into_iter().flatten()
    }
}

/// What is to be done with a packet of a server before it is sent on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// What will flow between the client and the server.
    pub media: [Option<Media>; MOST],
    /// The parameters that name the server, in bytes of the payload. They are to be made [`unnamed`](super::unnamed).
    pub named: [Option<Range<usize>>; MOST],
}

/// What a balancer remembers of a control connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conversation {
    client: Reader,
    server: Reader,
    /// The ports of the last SETUP that has no answer yet.
    asked: Option<Ports>,
    media: [Option<Media>; MOST],
}

impl Conversation {
    /// Reads a packet of the client, which is not empty. Returns whether it has a request, by which the client shows that it still
    /// wants the [`media`](Self::media).
    pub fn request(&mut self, segment: &Segment<'_>, ends: &Ends) -> bool {
        let Self {
            client,
            asked,
            media,
            ..
        } = self;
        let mut has_request = false;
        client.read(segment, |part| match part {
            Part::Begin(kind) => {
                has_request |= kind.is_request();
                if kind == Kind::Teardown {
                    *media = [None; MOST];
                }
                if kind == Kind::Setup {
                    *asked = None;
                }
            }
            Part::Transport(Kind::Setup, value, _) => {
                let mut offers = Transports::new(value, ends.family);
                let first = offers.find(Transport::has_flows);
                *asked = first.and_then(|it| it.client_port);
            }
            Part::Transport(..) => {}
        });
        has_request
    }

    /// Reads a packet of the server, which is not empty. To be called for a copy of the conversation, which is kept if
    /// everything that it asks for could be done.
    pub fn answer(&mut self, segment: &Segment<'_>, ends: &Ends) -> Answer {
        let mut answer = Answer::default();
        let Self {
            server,
            asked,
            media,
            ..
        } = self;
        server.read(segment, |part| {
            let Part::Transport(Kind::Success, value, place) = part else {
                return;
            };
            for transport in Transports::new(value, ends.family) {
                if let Some(new) = answer.take(&transport, place, ends, *asked) {
                    *asked = None;
                    remember(media, new);
                }
            }
        });
        answer
    }

    /// Passes over a packet that has media in frames or parts of bodies only. Returns false, and changes nothing, if it may have
    /// more, and is to be read. `four` gives the four bytes at an offset in the payload, if there are as many.
    pub fn pass_over(
        &mut self,
        is_of_client: bool,
        sequence: u32,
        len: usize,
        four: impl FnMut(usize) -> Option<[u8; 4]>,
    ) -> bool {
        let reader = match is_of_client {
            true => &mut self.client,
            false => &mut self.server,
        };
        reader.pass_over(sequence, len, four)
    }

    /// What was promised, and was not ended by a TEARDOWN since.
    pub fn media(&self) -> impl Iterator<Item = Media> + '_ {
        self.media.iter().flatten().copied()
    }
}

impl Answer {
    /// Takes what a reply promises, if it is for the client and comes from the server.
    fn take(
        &mut self,
        transport: &Transport,
        place: Place,
        ends: &Ends,
        asked: Option<Ports>,
    ) -> Option<Media> {
        let is_at = |addr: Option<Addr>, end| addr.is_none_or(|addr| addr == end);
        let destination = transport.destination.as_ref().and_then(|it| it.addr);
        let source = transport.source.as_ref();
        let is_ours = is_at(destination, ends.client)
            && is_at(source.and_then(|it| it.addr), ends.server)
            && transport.has_flows();
        if !is_ours {
            return None;
        }
        let named = source.filter(|it| it.addr == Some(ends.server));
        let named = named.and_then(|it| place.of(&it.parameter));
        // One that is longer is none that a server writes.
        if let Some(range) = named.filter(|it| unnamed(it).is_some()) {
            put(&mut self.named, range);
        }
        let media = Media {
            client: transport.client_port.or(asked),
            server: transport.server_port.filter(Ports::are_for_media)?,
        };
        put(&mut self.media, media);
        Some(media)
    }
}

/// Keeps a stream in place of an older one at the same ports of the client, or else in an empty place, if there is one.
fn remember(all: &mut [Option<Media>; MOST], new: Media) {
    let same = |it: &&mut Option<Media>| it.is_some_and(|old| old.client == new.client);
    let place = match all.iter_mut().find(same) {
        Some(place) => Some(place),
        None => all.iter_mut().find(|place| place.is_none()),
    };
    if let Some(place) = place {
        *place = Some(new);
    }
}

/// Puts an item into the first empty place, if there is one.
fn put<T>(places: &mut [Option<T>; MOST], item: T) {
    if let Some(place) = places.iter_mut().find(|place| place.is_none()) {
        *place = Some(item);
    }
}
