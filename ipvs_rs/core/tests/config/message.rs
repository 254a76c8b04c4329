// SPDX-License-Identifier: GPL-2.0

//! Messages that tests build, and change.

use ipvs_core::addr::{Addr, Family};
use ipvs_core::config::reply::{AttributeSink, Full};
use ipvs_core::config::*;
use ipvs_core::est::{Counters, Stats};
use ipvs_core::uapi::{dest as dst, service as svc};

/// A message that grows in memory.
#[derive(Default)]
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    /// Whether the machine needs numbers of 64 bits at aligned places.
    pub(crate) aligned: bool,
}

impl AttributeSink for Message {
    fn put(&mut self, kind: u16, payload: &[u8]) -> Result<(), Full> {
        let len = u16::try_from(payload.len() + 4).map_err(|_| Full)?;
        self.bytes.extend(len.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(payload);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        Ok(())
    }

    fn put_u64(&mut self, kind: u16, value: u64, pad: u16) -> Result<(), Full> {
        if self.aligned && self.bytes.len() % 8 == 0 {
            self.put(pad, &[])?;
        }
        self.put(kind, &value.to_ne_bytes())
    }

    fn nest(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full> {
        let start = self.bytes.len();
        self.put(kind, &[])?;
        fill(self)?;
        let len = u16::try_from(self.bytes.len() - start).map_err(|_| Full)?;
        self.bytes[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        Ok(())
    }
}

/// The bytes of some attributes.
pub(crate) fn message(attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut out = Message::default();
    for (kind, payload) in attributes {
        out.put(*kind, payload).unwrap();
    }
    out.bytes
}

pub(crate) fn u16(kind: u16, value: u16) -> (u16, Vec<u8>) {
    (kind, value.to_ne_bytes().into())
}

pub(crate) fn be16(kind: u16, value: u16) -> (u16, Vec<u8>) {
    (kind, value.to_be_bytes().into())
}

pub(crate) fn u32(kind: u16, value: u32) -> (u16, Vec<u8>) {
    (kind, value.to_ne_bytes().into())
}

pub(crate) fn bytes(kind: u16, value: &[u8]) -> (u16, Vec<u8>) {
    (kind, value.into())
}

/// A change to a message: an attribute in place of the one of its type, or one less.
pub(crate) enum Edit {
    Set((u16, Vec<u8>)),
    Remove(u16),
}
pub(crate) use Edit::{Remove, Set};

pub(crate) fn edited(mut base: Vec<(u16, Vec<u8>)>, edits: Vec<Edit>) -> Vec<u8> {
    for edit in edits {
        match edit {
            Set((kind, payload)) => match base.iter_mut().find(|(k, _)| *k == kind) {
                Some(slot) => slot.1 = payload,
                None => base.push((kind, payload)),
            },
            Remove(kind) => base.retain(|(k, _)| *k != kind),
        }
    }
    message(&base)
}

pub(crate) const VIRTUAL: [u8; 4] = [207, 175, 44, 110];
pub(crate) const SERVER: [u8; 4] = [172, 16, 0, 2];

/// What ipvsadm sends for `-A -t 207.175.44.110:8080 -s rr`.
pub(crate) fn a_service() -> Vec<(u16, Vec<u8>)> {
    vec![
        u16(svc::AF, 2),
        u16(svc::PROTOCOL, 6),
        bytes(svc::ADDR, &VIRTUAL),
        be16(svc::PORT, 8080),
        bytes(svc::SCHED_NAME, b"rr\0"),
        bytes(svc::FLAGS, &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]),
        u32(svc::TIMEOUT, 0),
        bytes(svc::NETMASK, &[255; 4]),
    ]
}

/// What ipvsadm sends for `-r 172.16.0.2:8080 -m -w 3 -x 100 -y 50`.
pub(crate) fn a_dest() -> Vec<(u16, Vec<u8>)> {
    vec![
        bytes(dst::ADDR, &SERVER),
        be16(dst::PORT, 8080),
        u32(dst::FWD_METHOD, 0),
        u32(dst::WEIGHT, 3),
        u32(dst::U_THRESH, 100),
        u32(dst::L_THRESH, 50),
    ]
}

pub(crate) fn key() -> ServiceKey {
    ServiceKey::Address {
        family: Family::V4,
        protocol: 6,
        addr: Addr::from_v4(VIRTUAL),
        port: 8080,
    }
}

/// Statistics with a number in each place, two beyond 32 bits.
pub(crate) fn some_stats() -> Stats {
    Stats {
        counters: Counters {
            conns: 0x1_0000_0001,
            inpkts: 2,
            outpkts: 3,
            inbytes: 0x4_0000_0004,
            outbytes: 5,
        },
        cps: 6,
        inpps: 7,
        outpps: 8,
        inbps: 9,
        outbps: 0x1_0000_000A,
    }
}
