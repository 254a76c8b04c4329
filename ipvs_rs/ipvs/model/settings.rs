// SPDX-License-Identifier: GPL-2.0

//! The settings of a network namespace, besides services and servers.

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

/// The settings of one namespace.
///
/// A field is written by the sysctl of its name, by which the administrator of the namespace sets it, unless its
/// documentation says otherwise. Packets and upkeep read it.
pub(crate) struct Settings {
    /// The limit of connections and templates.
    pub(crate) conn_max: AtomicI32,
    /// The limit up to which the administrator of the namespace may raise `conn_max`. The
    /// administrator of the machine sets it with `conn_max`.
    pub(crate) conn_max_limit: AtomicI32,
    /// The load of the connection table, as a power of two: -4 is 1/16 of a connection for each bucket. -8 to 8.
    pub(crate) conn_lfactor: AtomicI32,
    /// The load of the table of services, as a power of two, as `conn_lfactor`.
    pub(crate) svc_lfactor: AtomicI32,
    /// The stage of the defence by a stricter TCP state table: 0 off, 1 automatic, 2 automatic and on now, 3 on.
    /// [`upkeep`](crate::upkeep) changes 1 to 2 and back.
    pub(crate) secure_tcp: AtomicI32,
    /// Whether a packet to a client is routed anew for its new source address: 0 or another number.
    pub(crate) snat_reroute: AtomicI32,
    /// Whether a TCP packet without SYN opens a connection: 0 or another number.
    pub(crate) sloppy_tcp: AtomicI32,
    /// Whether an SCTP packet without INIT opens a connection: 0 or another number.
    pub(crate) sloppy_sctp: AtomicI32,
    /// Whether a packet that is too long for a tunnel is answered by an ICMP error, not fragmented: 0 or another number.
    pub(crate) pmtu_disc: AtomicI32,
    /// Whether a packet to a service without a server goes to its own destination: 0 or another number.
    pub(crate) cache_bypass: AtomicI32,
    /// Whether rates are estimated: 0 or another number.
    pub(crate) run_estimation: AtomicI32,
    /// The limit of free memory below which the automatic defences are on, in pages.
    pub(crate) amemthresh: AtomicI32,
    /// The number of packets of which the defence `drop_packet` drops one, in stage 3.
    pub(crate) am_droprate: AtomicI32,
    /// The stage of the defence that ends connections, as `secure_tcp`.
    pub(crate) drop_entry: AtomicI32,
    /// The stage of the defence that drops packets, as `secure_tcp`.
    pub(crate) drop_packet: AtomicI32,
    /// Flags: 1 for a new connection in the place of one in TIME_WAIT, or of one without a server where
    /// `expire_nodest_conn` is set; 2 for one in FIN_WAIT, too.
    pub(crate) conn_reuse_mode: AtomicI32,
    /// Whether a packet of a connection whose server was deleted ends the connection: 0 or another number.
    pub(crate) expire_nodest_conn: AtomicI32,
    /// Whether a template of a server of weight 0 is invalidated: 0 or another number.
    pub(crate) expire_quiescent_template: AtomicI32,
    /// Whether connection tracking follows new connections: 0 or another number.
    pub(crate) conntrack: AtomicI32,
    /// Whether a director passes packets of clients as long as it is a backup: 0 or another number.
    pub(crate) backup_only: AtomicI32,
    /// Whether packets inside a tunnel that ends at the director pass: 0 or another number.
    pub(crate) ignore_tunneled: AtomicI32,
    /// The nice value at which rates are estimated, -20 to 19.
    pub(crate) est_nice: AtomicI32,
    /// The version of the messages of a master, 0 or 1.
    pub(crate) sync_version: AtomicI32,
    /// The number of threads and ports of a daemon, a power of two. Read when a daemon starts.
    pub(crate) sync_ports: AtomicI32,
    /// Whether a master tells of templates only, where a connection has one: 0 or another number.
    pub(crate) sync_persist_mode: AtomicI32,
    /// The limit of a master's queue, in messages.
    pub(crate) sync_qlen_max: AtomicUsize,
    /// The size of a daemon's socket buffers, in bytes; 0 for the kernel's. Read when a daemon starts.
    pub(crate) sync_sock_size: AtomicI32,
    /// The time after which a master repeats a message about a connection, in seconds.
    pub(crate) sync_refresh_period: AtomicI32,
    /// The number of repetitions within `sync_refresh_period`, 0 to 3.
    pub(crate) sync_retries: AtomicI32,
    /// The first packet of a connection with which a master sends a message, in the upper half, and the period of
    /// packets after it, in the lower half.
    sync_threshold: AtomicU64,
    /// Whether a master sends a message about each new connection and each change of a state, at once: 0 or another
    /// number.
    pub(crate) sync_eager: AtomicI32,
    /// When packets of established connections leave before they are routed: a number of
    /// [`Mode`](ipvs_core::early::Mode).
    pub(crate) early_path: AtomicI32,
    /// Whether an ICMP error about a packet without a connection opens one: 0 or another number.
    pub(crate) schedule_icmp: AtomicI32,
    /// Whether a server whose packet belongs to no connection is told that the port is unreachable: 0 or another
    /// number.
    pub(crate) nat_icmp_send: AtomicI32,
    /// The timeout of TCP's ESTABLISHED, in seconds. Written by netlink and by socket options.
    tcp_established: AtomicU32,
    /// The timeout of TCP's FIN_WAIT, in seconds. Written as `tcp_established`.
    tcp_fin_wait: AtomicU32,
    /// The timeout of UDP, in seconds. Written as `tcp_established`.
    udp: AtomicU32,
}

impl Settings {
    /// The settings of a new namespace. The first one may use more memory for its tables, and the others begin with its
    /// `conn_max`.
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
            early_path: AtomicI32::new(1),
            schedule_icmp: AtomicI32::new(0),
            nat_icmp_send: AtomicI32::new(0),
            tcp_established: AtomicU32::new(timeouts.tcp_established),
            tcp_fin_wait: AtomicU32::new(timeouts.tcp_fin_wait),
            udp: AtomicU32::new(timeouts.udp),
        }
    }

    /// The number of the packet of a connection with which a master sends its first message, and the period after it.
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

    /// The protocols of which a packet amid a conversation opens a connection.
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
