// SPDX-License-Identifier: GPL-2.0

//! The state of IPVS in one network namespace.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use ipvs_core::{addr::Family, defense::IdleDropper, early::Mode, hash::HashKey};
use kernel::{new_mutex, prelude::*, sync::Mutex};
use knet::{
    net_namespace::{Net, NetRef, WeakNet},
    netfilter::conntrack::Tracking,
    passage::hooks_are_of,
    percpu::{CounterPool, Counters},
    random,
    rcu::{self, Arc, Guard, Slot},
    work::Work,
};

use super::{
    changes::Changes,
    composition::Composition,
    conn::table::Conns,
    drop_rate::DropPacket,
    drops::Drops,
    duties::{Cleanup, Cpus, Defense, Early, Estimation, Resize, Track, TrashRound},
    family::netfilter_family,
    helping::Helped,
    keyring::Keyring,
    masters::Masters,
    passages::Passages,
    peers::Peers,
    servers::Servers,
    service::Services,
    settings::Settings,
    stats::{self, Stats},
    sync_events::SyncEvents,
    trash::Trash,
};

/// The state of IPVS in one network namespace.
#[pin_data]
pub struct Ipvs {
    /// The kernel's namespace, until it begins to end. Never changes.
    handle: WeakNet,
    /// The settings. Changed by the administrator, with sysctls and netlink.
    pub(crate) settings: Settings,
    /// The statistics of the whole namespace. Changed by packets, and by a command that zeroes them.
    #[pin]
    pub(crate) stats: Stats,
    /// The virtual services. Changed under the configuration lock.
    pub(crate) services: Services,
    /// The table of real servers. Changed under the configuration lock.
    #[pin]
    pub(crate) servers: Servers,
    /// The table of connections. Changed by packets and by the timers of connections.
    #[pin]
    pub(crate) conns: Conns,
    /// The connections that a master daemon is to tell of. Changed by packets, and when a master starts and stops.
    pub(crate) changes: Changes,
    /// The configuration lock. Taken for each change of services and servers.
    #[pin]
    pub(crate) config: Mutex<Config>,
    /// The synchronisation daemons. Taken to start, stop and list them; taken before all other locks.
    #[pin]
    pub(crate) daemons: Mutex<Daemons>,
    /// Whether a backup runs. Changed under the lock of the daemons.
    has_backup: AtomicBool,
    /// Whether packets of clients pass the director, as a backup runs and the sysctl `backup_only` is set. Changed with
    /// both.
    pub(crate) is_backup_only: AtomicBool,
    /// The keys of the daemons. Replaced by a command.
    pub(crate) keyring: Slot<Keyring>,
    /// The other directors, if they are known by their addresses. Replaced by a command, read when a daemon starts.
    pub(crate) peers: Slot<Peers>,
    /// The masters that a backup hears. Changed by its threads.
    #[pin]
    pub(crate) masters: Mutex<Masters>,
    /// The number by which the master of this namespace calls itself, or the last one did; at random until there was one.
    pub(crate) sync_sender: AtomicU32,
    /// The numbers of events of the daemons. Changed by their threads.
    pub(crate) sync_events: SyncEvents,
    /// The number of namespaces that were there before. Never changes.
    pub(crate) number: u32,
    /// Taken for each write to a sysctl.
    #[pin]
    pub(crate) sysctl_writing: Mutex<()>,
    /// Queued by packets, timers and commands when a table does not fit its contents.
    #[pin]
    pub(crate) resize: Work<Ipvs, Resize>,
    /// Queued every 60 seconds while the trash has servers.
    #[pin]
    pub(crate) trash_round: Work<Ipvs, TrashRound>,
    /// Queued every [`PERIOD_SECONDS`](ipvs_core::est::PERIOD_SECONDS) while there are services.
    #[pin]
    pub(crate) estimation: Work<Ipvs, Estimation>,
    /// The CPUs on which rates may be computed. Changed by the administrator, with a sysctl.
    #[pin]
    pub(crate) est_cpus: Mutex<Cpus>,
    /// Queued when servers are deleted, if the sysctl `expire_nodest_conn` is on.
    #[pin]
    pub(crate) cleanup: Work<Ipvs, Cleanup>,
    /// Queued every second while a defence is on.
    #[pin]
    pub(crate) defense: Work<Ipvs, Defense>,
    /// Queued when a connection of TCP gets a helper, unless connections are tracked.
    #[pin]
    pub(crate) track: Work<Ipvs, Track>,
    /// Queued by packets when somebody else has got hooks that early packets would pass by, or has none any more.
    #[pin]
    pub(crate) early: Work<Ipvs, Early>,
    /// The families whose connections are tracked for a helper, by [`bit_of`]. Changed under the configuration lock.
    tracked: AtomicU32,
    /// The share of new connections that is dropped. Changed by the work of the defences, read by packets.
    pub(crate) drop_packet: DropPacket,
    /// The numbers of dropped packets and connections. Changed by packets and by the work of the defences.
    pub(crate) drops: Drops,
    /// The ways that packets have taken of late. Changed by packets, and when a device goes.
    pub(crate) passages: Passages,
    /// The numbers of connections that each helper looks at. Changed when such connections begin and end.
    pub(crate) helped: Helped,
}

/// The number of namespaces that were ever made.
static MADE: AtomicU32 = AtomicU32::new(0);

type Daemons = <Ipvs as Composition>::Daemons;
type Hooks = <Ipvs as Composition>::Hooks;
type Files = <Ipvs as Composition>::Files;

/// The part of a namespace that only the holder of the configuration lock reads and writes.
pub(crate) struct Config {
    /// Whether the namespace is ending, so that nothing may be added.
    closed: bool,
    /// The hooks for IPv4, while they are registered.
    hooks_v4: Option<Hooks>,
    /// The hooks for IPv6, while they are registered.
    hooks_v6: Option<Hooks>,
    /// Connection tracking of IPv4, while a helper needs it.
    tracking_v4: Option<Tracking>,
    /// Connection tracking of IPv6, while a helper needs it.
    tracking_v6: Option<Tracking>,
    /// The deleted servers.
    pub(crate) trash: Trash,
    /// The per-CPU memory for the statistics of services and servers.
    pub(crate) counters: CounterPool<{ stats::COUNTERS }>,
    /// Decides which idle connections `drop_entry` ends.
    pub(crate) idle_dropper: IdleDropper,
    /// The files in `/proc/net` and the sysctls. [`None`] before they are made and after they are removed.
    pub(crate) files: Option<Files>,
}

impl Config {
    fn new() -> Self {
        Self {
            closed: false,
            hooks_v4: None,
            hooks_v6: None,
            tracking_v4: None,
            tracking_v6: None,
            trash: Trash::new(random_key()),
            counters: CounterPool::default(),
            idle_dropper: IdleDropper::default(),
            files: None,
        }
    }

    /// Refuses all additions from now on.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Registers the hooks for packets of `family`, unless they are registered.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the namespace ends, `EAFNOSUPPORT`, or an error of netfilter.
    pub(crate) fn open_hooks(&mut self, ipvs: &Arc<Ipvs>, net: &Net, family: Family) -> Result {
        if self.closed {
            return Err(ENOENT);
        }
        if self.hooks(family).is_some() {
            return Ok(());
        }
        let mut hooks = Ipvs::open_hooks(ipvs, net, family)?;
        // The setting is read under the lock: whoever changes it waits for that then, and finds these hooks.
        if let Err(error) = consider_early(ipvs, &mut hooks, net, family) {
            Ipvs::close_hooks(hooks, net);
            return Err(error);
        }
        *self.hooks(family) = Some(hooks);
        Ok(())
    }

    /// Takes account of a change of the sysctl `early_path`, and of the hooks that others have.
    ///
    /// # Errors
    ///
    /// An error of netfilter: packets of one family do not take the early path. The other family was considered, too.
    pub(crate) fn consider_early(&mut self, ipvs: &Arc<Ipvs>, net: &Net) -> Result {
        let mut considered = Ok(());
        for family in [Family::V4, Family::V6] {
            if let Some(hooks) = self.hooks(family) {
                considered = considered.and(consider_early(ipvs, hooks, net, family));
            }
        }
        considered
    }

    /// Unregisters the hooks for packets of `family`, and ends [`track`](Self::track). These packets then pass the director
    /// unchanged.
    pub(crate) fn close_hooks(&mut self, ipvs: &Ipvs, net: &Net, family: Family) {
        if let Some(hooks) = self.hooks(family).take() {
            Ipvs::close_hooks(hooks, net);
        }
        if let Some(tracking) = self.tracking(family).take() {
            tracking.end(net);
            ipvs.tracked.fetch_and(!bit_of(family), Relaxed);
        }
    }

    /// Lets connections of `family` be tracked, as helpers of TCP need it, until [`close_hooks`](Self::close_hooks).
    ///
    /// # Errors
    ///
    /// `ENOENT` if the namespace ends, `ENOMEM`, or an error of netfilter.
    pub(crate) fn track(&mut self, ipvs: &Ipvs, net: &Net, family: Family) -> Result {
        if self.closed {
            return Err(ENOENT);
        }
        let tracking = self.tracking(family);
        if tracking.is_none() {
            *tracking = Some(Tracking::begin(net, netfilter_family(family))?);
            ipvs.tracked.fetch_or(bit_of(family), Relaxed);
        }
        Ok(())
    }

    fn tracking(&mut self, family: Family) -> &mut Option<Tracking> {
        match family {
            Family::V4 => &mut self.tracking_v4,
            Family::V6 => &mut self.tracking_v6,
        }
    }

    fn hooks(&mut self, family: Family) -> &mut Option<Hooks> {
        match family {
            Family::V4 => &mut self.hooks_v4,
            Family::V6 => &mut self.hooks_v6,
        }
    }
}

impl Ipvs {
    /// A namespace without services.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(handle: WeakNet, settings: Settings) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            handle,
            settings,
            stats <- Stats::new(Counters::new()?),
            services: Services::new(random_key())?,
            servers <- Servers::new(random_key()),
            conns <- Conns::new(random_key()),
            changes: Changes::new(),
            config <- new_mutex!(Config::new(), "ip_vs_config"),
            daemons <- new_mutex!(Daemons::default(), "ip_vs_daemons"),
            has_backup: AtomicBool::new(false),
            is_backup_only: AtomicBool::new(false),
            keyring: Slot::empty(),
            peers: Slot::empty(),
            masters <- new_mutex!(Masters::default(), "ip_vs_masters"),
            // CAST: Half of the random bits.
            sync_sender: AtomicU32::new(random::number() as u32),
            sync_events: SyncEvents::new()?,
            number: MADE.fetch_add(1, Relaxed),
            sysctl_writing <- new_mutex!((), "ip_vs_sysctl"),
            resize <- Work::new(),
            trash_round <- Work::new(),
            estimation <- Work::new(),
            est_cpus <- new_mutex!(None, "ip_vs_est_cpus"),
            cleanup <- Work::new(),
            defense <- Work::new(),
            track <- Work::new(),
            early <- Work::new(),
            tracked: AtomicU32::new(0),
            drop_packet: DropPacket::new(),
            drops: Drops::new()?,
            passages: Passages::new()?,
            helped: Helped::default(),
        }? Error)
    }

    /// Makes the tables that the first service needs.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn make_tables(&self) -> Result {
        if self.services.bits().is_none() {
            self.services.resize(self.settings.svc_lfactor())?;
        }
        if self.conns.bits().is_none() {
            self.conns
                .resize(self.settings.conn_lfactor.load(Relaxed))?;
        }
        self.passages.make(self.number == 0)
    }

    /// Ends all connections and all work. The caller has unregistered the hooks, so that no packet finds the
    /// namespace any more. May sleep.
    pub(crate) fn end(&self) {
        self.conns.flush();
        self.passages.end();
        // A timer that took its connection out of the table before the flush may still queue work.
        // Disabled work cannot be queued.
        Work::<Self, Resize>::disable_sync(self);
        Work::<Self, Estimation>::disable_sync(self);
        Work::<Self, TrashRound>::disable_sync(self);
        Work::<Self, Cleanup>::disable_sync(self);
        Work::<Self, Defense>::disable_sync(self);
        Work::<Self, Track>::disable_sync(self);
        Work::<Self, Early>::disable_sync(self);
        self.config.lock().trash.clear();
    }

    /// Whether connections of `family` are tracked for a helper.
    pub(crate) fn is_tracking(&self, family: Family) -> bool {
        self.tracked.load(Relaxed) & bit_of(family) != 0
    }

    /// Takes account of a backup that was started or stopped.
    pub(crate) fn set_backup(&self, runs: bool) {
        self.has_backup.store(runs, Relaxed);
        self.consider_backup_only();
    }

    /// Takes account of a change of the sysctl `backup_only`.
    pub(crate) fn consider_backup_only(&self) {
        let is_wanted = self.settings.backup_only.load(Relaxed) != 0;
        let runs = self.has_backup.load(Relaxed);
        self.is_backup_only.store(is_wanted && runs, Relaxed);
    }

    /// A reference to the kernel's namespace, unless that has begun to end.
    pub(crate) fn keep_net(&self) -> Option<NetRef> {
        self.net(&rcu::read_lock())?.keep()
    }

    /// The kernel's namespace for one read-side section, unless it has begun to end.
    pub(crate) fn net<'g>(&self, guard: &'g Guard) -> Option<&'g Net> {
        self.handle.get(guard)
    }
}

/// Lets packets of these hooks take the early path if the sysctl `early_path` wants it, and nobody would miss them.
///
/// # Errors
///
/// An error of netfilter: they do not take it.
fn consider_early(ipvs: &Arc<Ipvs>, hooks: &mut Hooks, net: &Net, family: Family) -> Result {
    let is_on = match Mode::from_number(ipvs.settings.early_path.load(Relaxed)) {
        Mode::Off => false,
        Mode::Forced => true,
        Mode::Auto => hooks_are_of(
            net,
            netfilter_family(family),
            ipvs.as_ref(),
            &rcu::read_lock(),
        ),
    };
    // The next packet that would leave early asks for another try, in a second.
    Ipvs::set_early(ipvs, hooks, net, is_on).inspect_err(|_| ipvs.passages.close(family))?;
    ipvs.passages.set_hooked(family, is_on);
    Ok(())
}

/// The bit of a family in a set of families.
const fn bit_of(family: Family) -> u32 {
    match family {
        Family::V4 => 1,
        Family::V6 => 2,
    }
}

/// The secret of a new hash table.
fn random_key() -> HashKey {
    HashKey::new([random::number(), random::number()])
}
