// SPDX-License-Identifier: GPL-2.0

//! The datagrams of other directors that may have an effect, and the proof that ours have.

use core::{net::IpAddr, sync::atomic::Ordering::Relaxed};
use ipvs_core::sync::{sign, Authentication, Event, Proof, Replay, Sender, Trailer};
use kernel::{alloc::KVVec, prelude::*};
use knet::{rcu::Arc, vec::room};

use super::launch::Launch;
use crate::model::{peers::Peers, Ipvs};

/// The number of streams of other directors that a thread tells apart. Only those with a key count.
const MOST_STREAMS: usize = 32;

/// A stream of a director that has proven that it has a key. It is kept as long as the daemon runs, or a replay would be
/// taken for a new stream.
struct Known {
    sender: u32,
    stream: u16,
    window: Replay,
}

/// What a thread knows of those that send to it.
pub(super) struct Admission {
    ipvs: Arc<Ipvs>,
    /// The other directors, if they are known by their addresses.
    peers: Option<Arc<Peers>>,
    /// The role of those that send.
    role: Sender,
    /// The number of the threads that send to this one.
    thread: u16,
    streams: KVVec<Known>,
}

impl Admission {
    /// Nobody is known yet.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(super) fn new(launch: &Launch<'_>, index: u32, role: Sender) -> Result<Self> {
        Ok(Self {
            ipvs: launch.ipvs.clone(),
            peers: launch.peers.clone(),
            role,
            // CAST: Less than 64.
            thread: index as u16,
            streams: room(MOST_STREAMS)?,
        })
    }

    /// Whether the other directors are known by their addresses.
    pub(super) fn knows_peers(&self) -> bool {
        self.peers.is_some()
    }

    /// Checks that a datagram is of a peer, if peers are known, and not of this director; that it has a code, if the keyring asks
    /// for one; and that it was not taken before. Returns whether the code is right.
    ///
    /// # Errors
    ///
    /// The event to be counted: the datagram may have no effect.
    pub(super) fn check(&mut self, datagram: &[u8], source: IpAddr) -> Result<bool, Event> {
        if self.peers.as_ref().is_some_and(|peers| !peers.has(source)) {
            return Err(Event::Stranger);
        }
        if self.is_reflected(datagram) {
            return Err(Event::Reflected);
        }
        let Some(keyring) = self.ipvs.keyring.get() else {
            return Ok(false);
        };
        let authentication = keyring.authentication();
        if authentication == Authentication::Off {
            return Ok(false);
        }
        let proof = Proof::of(datagram, self.role, |number, slices| {
            keyring.code(number, slices)
        });
        match (proof, Trailer::of(datagram)) {
            _ if !authentication.takes(proof) => Err(match proof {
                Proof::Absent | Proof::Unsigned | Proof::Right => Event::Unsigned,
                Proof::UnknownKey => Event::UnknownKey,
                Proof::Wrong => Event::WrongCode,
            }),
            // The port is not under the code: what a thread sends counts for the thread of that number only.
            (Proof::Right, Some(trailer)) if trailer.thread() != self.thread => {
                Err(Event::OtherThread)
            }
            (Proof::Right, Some(trailer)) => self.take(&trailer).map(|()| true),
            _ => Ok(false),
        }
    }

    /// Whether somebody has sent back what the master of this namespace has sent. Its code is right, and it may be old: it would
    /// make connections again that have ended.
    fn is_reflected(&self, datagram: &[u8]) -> bool {
        let own = self.ipvs.sync_sender.load(Relaxed);
        self.role == Sender::Master
            && Trailer::of(datagram).is_some_and(|trailer| trailer.sender == own)
    }

    /// Takes account of a proven message of a run that has sent datagrams up to `last`: those are not taken any more, unless
    /// others of the run were.
    pub(super) fn begin(&mut self, trailer: &Trailer, last: u32) {
        let (sender, stream) = (trailer.sender, trailer.thread());
        match self.find(sender, stream) {
            Some(window) => window.begin(trailer.epoch, last),
            None => {
                let window = Replay::new(trailer.epoch, last);
                // A datagram of one more sender is refused.
                let _ = self.know(sender, stream, window);
            }
        }
    }

    fn find(&mut self, sender: u32, stream: u16) -> Option<&mut Replay> {
        let mut streams = self.streams.iter_mut();
        let known = streams.find(|it| (it.sender, it.stream) == (sender, stream));
        known.map(|known| &mut known.window)
    }

    fn know(&mut self, sender: u32, stream: u16, window: Replay) -> Result<(), Event> {
        let new = Known {
            sender,
            stream,
            window,
        };
        let kept = self.streams.push_within_capacity(new);
        kept.map_err(|_| Event::ManySenders)
    }

    /// Takes a proven datagram, once.
    fn take(&mut self, trailer: &Trailer) -> Result<(), Event> {
        let Trailer {
            sender,
            stream,
            epoch,
            sequence,
        } = *trailer;
        match self.find(sender, stream) {
            Some(window) => window.take(epoch, sequence).map_err(Event::from),
            None => self.know(sender, stream, Replay::new(epoch, sequence)),
        }
    }
}

/// Signs a datagram that ends with a trailer, if there is a key.
pub(super) fn prove(ipvs: &Ipvs, role: Sender, datagram: &mut [u8]) {
    let Some(keyring) = ipvs.keyring.get() else {
        return;
    };
    let number = keyring.numbers().next();
    if let Some(number) = number {
        // One without a trailer stays unsigned: version 0, and the C module's own rule of sending, have none.
        sign(datagram, role, number, |slices| {
            keyring.code(number, slices).unwrap_or_default()
        });
    }
}

/// Whether datagrams are to have a trailer for the sake of a code.
pub(super) fn has_key(ipvs: &Ipvs) -> bool {
    let keyring = ipvs.keyring.get();
    keyring.is_some_and(|keyring| keyring.numbers().next().is_some())
}
