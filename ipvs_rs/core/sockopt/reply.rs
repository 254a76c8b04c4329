// SPDX-License-Identifier: GPL-2.0

//! The structures that programs get.

use super::size;
use crate::config::reply::{DestView, ServiceView};
use crate::config::{DaemonSpec, NominalTarget, ServiceKey};
use crate::est::Stats;
use crate::proto::Timeouts;
use crate::uapi::{self, service_flags};

/// A structure of `N` bytes. Bytes that were not written are 0.
struct Structure<const N: usize>([u8; N]);

impl<const N: usize> Structure<N> {
    const fn new() -> Self {
        Self([0; N])
    }

    /// Writes the bytes of a field at `offset`. Bytes beyond the end of the structure are left out.
    fn bytes(&mut self, offset: usize, value: &[u8]) {
        let field = self.0.get_mut(offset..).unwrap_or_default();
        for (to, from) in field.iter_mut().zip(value) {
            *to = *from;
        }
    }

    fn u16(&mut self, offset: usize, value: u16) {
        self.bytes(offset, &value.to_ne_bytes());
    }

    fn be16(&mut self, offset: usize, value: u16) {
        self.bytes(offset, &value.to_be_bytes());
    }

    fn u32(&mut self, offset: usize, value: u32) {
        self.bytes(offset, &value.to_ne_bytes());
    }

    /// Writes an `ip_vs_stats_user` at `offset`.
    ///
    /// As the C module does: numbers of 64 bits are cut to 32, except for bytes.
    fn stats(&mut self, offset: usize, stats: &Stats) {
        let at = |more: usize| offset.saturating_add(more);
        let counters = &stats.counters;
        // CAST: the low half, see above.
        self.u32(at(0), counters.conns as u32);
        self.u32(at(4), counters.inpkts as u32);
        self.u32(at(8), counters.outpkts as u32);
        self.bytes(at(16), &counters.inbytes.to_ne_bytes());
        self.bytes(at(24), &counters.outbytes.to_ne_bytes());
        self.u32(at(32), stats.cps as u32);
        self.u32(at(36), stats.inpps as u32);
        self.u32(at(40), stats.outpps as u32);
        self.u32(at(44), stats.inbps as u32);
        self.u32(at(48), stats.outbps as u32);
    }
}

/// An `ip_vs_service_entry` of a service with this number of servers, written over `before`.
///
/// As in the answers of the C module, unused bytes stay as they were: those between the fields and
/// those behind the name.
pub fn service(
    before: [u8; size::SERVICE_ENTRY],
    view: &ServiceView,
    nominal: &NominalTarget,
    servers: u32,
) -> [u8; size::SERVICE_ENTRY] {
    let mut entry = Structure(before);
    let mark = match view.key {
        ServiceKey::Address { .. } => 0,
        ServiceKey::Mark { mark, .. } => mark,
    };
    entry.u16(0, nominal.protocol);
    entry.bytes(4, &nominal.addr.v4());
    entry.be16(8, nominal.port);
    entry.u32(12, mark);
    let scheduler = view.scheduler.as_ref();
    let scheduler = scheduler.map_or(uapi::NO_SCHEDULER, |name| name.as_bytes());
    entry.bytes(16, scheduler);
    entry.bytes(scheduler.len().saturating_add(16), &[0]);
    entry.u32(32, view.flags | service_flags::HASHED);
    entry.u32(36, view.timeout);
    entry.bytes(40, &view.netmask.0);
    entry.u32(44, servers);
    entry.stats(48, &view.stats);
    entry.0
}

/// An `ip_vs_dest_entry`. `conn_flags` are the flags that the server gives to its connections.
pub fn dest(view: &DestView, conn_flags: u32) -> [u8; size::DEST_ENTRY] {
    let mut entry = Structure::new();
    entry.bytes(0, &view.key.addr.v4());
    entry.be16(4, view.key.port);
    entry.u32(8, conn_flags);
    entry.u32(12, view.spec.weight());
    entry.u32(16, view.spec.upper());
    entry.u32(20, view.spec.lower());
    entry.u32(24, view.active);
    entry.u32(28, view.total.saturating_sub(view.active));
    entry.u32(32, view.persistent);
    entry.stats(40, &view.stats);
    entry.0
}

/// An `ip_vs_getinfo`. `buckets` is the number of buckets of the connection table, and `services` the
/// number of IPv4 services.
pub fn info(buckets: u32, services: u32) -> [u8; size::INFO] {
    let mut info = Structure::new();
    info.u32(0, uapi::VERSION);
    info.u32(4, buckets);
    info.u32(8, services);
    info.0
}

/// An `ip_vs_timeout_user`.
pub fn timeouts(timeouts: &Timeouts) -> [u8; size::TIMEOUT] {
    let mut structure = Structure::new();
    structure.u32(0, timeouts.tcp_established);
    structure.u32(4, timeouts.tcp_fin_wait);
    structure.u32(8, timeouts.udp);
    structure.0
}

/// Two `ip_vs_daemon_user`, of the master and of the backup; that of a daemon that does not run is zero.
pub fn daemons(master: Option<&DaemonSpec>, backup: Option<&DaemonSpec>) -> [u8; size::DAEMONS] {
    let mut both = Structure::new();
    for (at, daemon) in [(0, master), (24, backup)] {
        if let Some(daemon) = daemon {
            both.u32(at, daemon.state);
            both.bytes(at.saturating_add(4), daemon.interface.as_bytes());
            both.u32(at.saturating_add(20), daemon.sync_id);
        }
    }
    both.0
}

/// The text about the version, and its length with the NUL in bytes.
pub fn version(buckets: u32) -> ([u8; size::VERSION], usize) {
    use core::fmt::Write;

    /// The text so far, and its length in bytes.
    struct Text(Structure<{ size::VERSION }>, usize);

    impl Write for Text {
        fn write_str(&mut self, part: &str) -> core::fmt::Result {
            self.0.bytes(self.1, part.as_bytes());
            self.1 = self.1.saturating_add(part.len());
            Ok(())
        }
    }

    let mut text = Text(Structure::new(), 0);
    let [_, major, minor, patch] = uapi::VERSION.to_be_bytes();
    // The writer never fails, and the text is shorter than the buffer.
    let _ = write!(
        text,
        "IP Virtual Server version {major}.{minor}.{patch} (size={buckets})"
    );
    let length = text.1.saturating_add(1).min(size::VERSION);
    (text.0 .0, length)
}
