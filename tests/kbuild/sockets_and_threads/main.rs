// SPDX-License-Identifier: GPL-2.0

//! Tests of `knet::socket` and `knet::kthread`, in whatever namespace asks for them.
//!
//! To read `/proc/net/sockets_and_threads` runs all of them, and tells a line for each. To read
//! `/proc/net/sockets_and_threads_stay` leaves sockets open, and a thread that waits for one, when the namespace ends; to
//! read `/proc/net/sockets_and_threads_left` in another one tells what became of the thread.
//!
//! The namespace needs its loopback device, and a device `d0` that has an IPv4 and a link-local IPv6 address.

#![forbid(unsafe_code)]

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use kernel::{new_mutex, prelude::*, seq_file::SeqFile, seq_print, sync::Mutex};
use knet::{
    net_namespace::{Net, NetRef, PerNet, PerNetId, PerNetRegistration, WeakNet},
    netfilter::Family,
    proc_seq::{File, Show},
    rcu::{self, Arc},
    rcu_module,
};

mod checks;
mod departure;
mod sockets;
mod threads;
mod waits;

use self::{
    checks::{Failure, Outcome},
    departure::{Left, Stay},
};

rcu_module! {
    type: Module,
    name: "sockets_and_threads",
    authors: ["The ipvs_rs authors"],
    description: "Tests of sockets and threads",
    license: "GPL",
}

/// What the loaded module owns.
struct Module {
    _namespaces: PerNetRegistration<State>,
}

impl kernel::Module for Module {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _namespaces: PerNetRegistration::new()?,
        })
    }
}

/// The state of a namespace.
#[pin_data]
struct State {
    handle: WeakNet,
    #[pin]
    files: Mutex<KVec<File<Self>>>,
}

static ID: PerNetId<State> = PerNetId::new();

impl PerNet for State {
    fn id() -> &'static PerNetId<Self> {
        &ID
    }

    fn init(net: &Net, handle: WeakNet) -> Result<Arc<Self>> {
        let state = Arc::pin_init(
            try_pin_init!(Self {
                handle,
                files <- new_mutex!(KVec::with_capacity(3, GFP_KERNEL)?, "sockets_files"),
            }? Error),
            GFP_KERNEL,
        )?;
        let made = [
            File::show::<All>(net, state.clone()),
            File::show::<Stay>(net, state.clone()),
            File::show::<Left>(net, state.clone()),
        ];
        let mut failed = None;
        for file in made {
            match file {
                Ok(file) => state.files.lock().push(file, GFP_KERNEL)?,
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            None => Ok(state),
            Some(error) => {
                Self::exit(state, net);
                Err(error)
            }
        }
    }

    fn pre_exit(_: &Arc<Self>, _: &Net) {}

    fn exit(state: Arc<Self>, net: &Net) {
        let files = core::mem::take(&mut *state.files.lock());
        for file in files {
            file.remove(net);
        }
    }
}

impl State {
    fn net(&self) -> Option<NetRef> {
        self.handle.get(&rcu::read_lock())?.keep()
    }
}

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 81);
const GROUP6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x51);
const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const LOCAL6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0);
const PORT: u16 = 8848;

static TESTS: &[(&str, fn(&Net) -> Outcome)] = &[
    (
        "threads end once, when they are told",
        threads::threads_end_once,
    ),
    (
        "threads that end by themselves",
        threads::threads_that_end_by_themselves,
    ),
    ("threads are woken", threads::threads_are_woken),
    (
        "threads are stopped while they sleep",
        threads::threads_are_stopped_while_they_sleep,
    ),
    (
        "threads that drop their own handle",
        threads::threads_that_drop_their_own_handle,
    ),
    ("datagrams by loopback", |net| {
        sockets::datagrams_by_loopback(net, Family::V4, LOCAL)
    }),
    ("datagrams by loopback, IPv6", |net| {
        sockets::datagrams_by_loopback(net, Family::V6, LOCAL6)
    }),
    ("peers", sockets::peers),
    ("wrong arguments", sockets::wrong_arguments),
    ("buffers", sockets::buffers),
    ("multicast", sockets::multicast),
    ("multicast, IPv6", sockets::multicast_v6),
    ("threads that receive", waits::threads_that_receive),
    (
        "threads are stopped while they receive",
        waits::threads_are_stopped_while_they_receive,
    ),
    ("a shutdown ends waits", waits::a_shutdown_ends_waits),
    ("a full buffer", waits::a_full_buffer),
    ("devices", sockets::devices),
];

/// `sockets_and_threads`.
struct All;

impl Show<State> for All {
    const NAME: &'static CStr = c"sockets_and_threads";

    fn show(state: &State, seq: &SeqFile) {
        let Some(net) = state.net() else {
            return seq_print!(seq, "the namespace ends\n");
        };
        for (name, test) in TESTS {
            match test(&net) {
                Ok(()) => seq_print!(seq, "ok {name}\n"),
                Err(Failure(line, error)) => {
                    seq_print!(seq, "not ok {name}: line {line}, error {error}\n")
                }
            }
        }
    }
}
