// SPDX-License-Identifier: GPL-2.0

//! What an administrator can set in a namespace, besides services and servers.

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use ipvs_core::{
    defense,
    plan::opening::Sloppy,
    proto::{tcp::StateTable, Timeouts},
    sync::decision::Rules,
};
use knet::{memory, time::HZ};

/// Two numbers in one word.
fn packed([first, second]: [i32; 2]) -> u64 {
    // CAST: As bits.
    u64::from(first as u32) << 32 | u64::from(second as u32)
}

/// The most connections that a namespace may have, on 64-bit machines.
pub(crate) const MOST_CONNECTIONS: i32 = 1 << 30;

/// The settings of one namespace. Sysctls are named as their fields.
pub(crate) struct Settings {
    pub(crate) conn_max: AtomicI32,
    /// What the administrator of the namespace may set `conn_max` to at most.
    pub(crate) conn_max_limit: AtomicI32,
    pub(crate) conn_lfactor: AtomicI32,
    pub(crate) svc_lfactor: AtomicI32,
    pub(crate) secure_tcp: AtomicI32,
    pub(crate) snat_reroute: AtomicI32,
    pub(crate) sloppy_tcp: AtomicI32,
    pub(crate) sloppy_sctp: AtomicI32,
    pub(crate) pmtu_disc: AtomicI32,
    pub(crate) cache_bypass: AtomicI32,
    pub(crate) run_estimation: AtomicI32,
    pub(crate) amemthresh: AtomicI32,
    pub(crate) am_droprate: AtomicI32,
    pub(crate) drop_entry: AtomicI32,
    pub(crate) drop_packet: AtomicI32,
    pub(crate) conn_reuse_mode: AtomicI32,
    pub(crate) expire_nodest_conn: AtomicI32,
    pub(crate) expire_quiescent_template: AtomicI32,
    pub(crate) conntrack: AtomicI32,
    pub(crate) backup_only: AtomicI32,
    pub(crate) ignore_tunneled: AtomicI32,
    pub(crate) est_nice: AtomicI32,
    pub(crate) sync_version: AtomicI32,
    pub(crate) sync_ports: AtomicI32,
    pub(crate) sync_persist_mode: AtomicI32,
    /// In messages.
    pub(crate) sync_qlen_max: AtomicUsize,
    pub(crate) sync_sock_size: AtomicI32,
    /// In seconds.
    pub(crate) sync_refresh_period: AtomicI32,
    pub(crate) sync_retries: AtomicI32,
    /// Threshold and period in one word.
    sync_threshold: AtomicU64,
    /// Whether a master sends a message about each new connection and each change of a state, at once.
    pub(crate) sync_eager: AtomicI32,
    pub(crate) schedule_icmp: AtomicI32,
    pub(crate) nat_icmp_send: AtomicI32,
    /// Seconds. Set by netlink, not by sysctl.
    tcp_established: AtomicU32,
    tcp_fin_wait: AtomicU32,
    udp: AtomicU32,
}

impl Settings {
    /// What a namespace starts with. The first one may use more memory for its tables, and its
    /// `conn_max` is handed down to the others.
    pub(crate) fn new(is_first: bool, conn_max: i32) -> Self {
        let (conn_lfactor, svc_lfactor) = match is_first {
            true => (-4, -3),
            false => (-2, -2),
        };
        let timeouts = Timeouts::DEFAULT;
        Self {
            conn_max: AtomicI32::new(conn_max),
            conn_max_limit: AtomicI32::new(conn_max),
            conn_lfactor: AtomicI32::new(conn_lfactor),
            svc_lfactor: AtomicI32::new(svc_lfactor),
            secure_tcp: AtomicI32::new(0),
            snat_reroute: AtomicI32::new(1),
            sloppy_tcp: AtomicI32::new(0),
            sloppy_sctp: AtomicI32::new(0),
            pmtu_disc: AtomicI32::new(1),
            cache_bypass: AtomicI32::new(0),
            run_estimation: AtomicI32::new(1),
            amemthresh: AtomicI32::new(1024),
            am_droprate: AtomicI32::new(10),
            drop_entry: AtomicI32::new(0),
            drop_packet: AtomicI32::new(0),
            conn_reuse_mode: AtomicI32::new(1),
            expire_nodest_conn: AtomicI32::new(0),
            expire_quiescent_template: AtomicI32::new(0),
            conntrack: AtomicI32::new(0),
            backup_only: AtomicI32::new(0),
            ignore_tunneled: AtomicI32::new(0),
            est_nice: AtomicI32::new(0),
            sync_version: AtomicI32::new(1),
            sync_ports: AtomicI32::new(1),
            sync_persist_mode: AtomicI32::new(0),
            sync_qlen_max: AtomicUsize::new(memory::free_buffer_pages() / 32),
            sync_sock_size: AtomicI32::new(0),
            sync_refresh_period: AtomicI32::new(0),
            sync_retries: AtomicI32::new(0),
            sync_threshold: AtomicU64::new(packed([3, 50])),
            sync_eager: AtomicI32::new(1),
            schedule_icmp: AtomicI32::new(0),
            nat_icmp_send: AtomicI32::new(0),
            tcp_established: AtomicU32::new(timeouts.tcp_established),
            tcp_fin_wait: AtomicU32::new(timeouts.tcp_fin_wait),
            udp: AtomicU32::new(timeouts.udp),
        }
    }

    /// With which packet of a connection, and then with every which, the backups are told of it.
    pub(crate) fn sync_threshold(&self) -> [i32; 2] {
        let word = self.sync_threshold.load(Relaxed);
        // CAST: The halves of the word.
        [(word >> 32) as i32, word as i32]
    }

    /// Sets both numbers of [`sync_threshold`](Self::sync_threshold) at once.
    pub(crate) fn set_sync_threshold(&self, both: [i32; 2]) {
        self.sync_threshold.store(packed(both), Relaxed);
    }

    /// The rules by which a master sends messages.
    #[inline]
    pub(crate) fn sync_rules(&self) -> Rules {
        let [threshold, period] = self.sync_threshold();
        let positive = |value: i32| u32::try_from(value).unwrap_or(0);
        Rules {
            is_eager: self.sync_eager.load(Relaxed) != 0,
            threshold: positive(threshold),
            period: positive(period),
            // CAST: `HZ` is 1,000 at most.
            refresh: positive(self.sync_refresh_period.load(Relaxed)).saturating_mul(HZ as u32),
            retries: positive(self.sync_retries.load(Relaxed)),
            only_templates: self.sync_persist_mode.load(Relaxed) != 0,
        }
    }

    /// The timeouts that packets apply.
    #[inline]
    pub(crate) fn timeouts(&self) -> Timeouts {
        Timeouts {
            tcp_established: self.tcp_established.load(Relaxed),
            tcp_fin_wait: self.tcp_fin_wait.load(Relaxed),
            udp: self.udp.load(Relaxed),
        }
    }

    /// The load factor of the table of services.
    pub(crate) fn svc_lfactor(&self) -> i32 {
        self.svc_lfactor.load(Relaxed)
    }

    /// Of which protocols packets in the middle open connections.
    pub(crate) fn sloppy(&self) -> Sloppy {
        Sloppy {
            tcp: self.sloppy_tcp.load(Relaxed) != 0,
            sctp: self.sloppy_sctp.load(Relaxed) != 0,
        }
    }

    /// The TCP state table that packets apply.
    #[inline]
    pub(crate) fn tcp_table(&self) -> StateTable {
        match defense::is_on(self.secure_tcp.load(Relaxed)) {
            false => StateTable::Normal,
            true => StateTable::Secure,
        }
    }

    /// Sets the timeouts that later packets apply.
    pub(crate) fn set_timeouts(&self, timeouts: Timeouts) {
        self.tcp_established
            .store(timeouts.tcp_established, Relaxed);
        self.tcp_fin_wait.store(timeouts.tcp_fin_wait, Relaxed);
        self.udp.store(timeouts.udp, Relaxed);
    }
}
