// SPDX-License-Identifier: GPL-2.0

//! What is left in a namespace that ends.

use core::{
    net::SocketAddr,
    sync::atomic::{AtomicI32, Ordering::Relaxed},
};
use kernel::{
    new_mutex,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    sync::{self, Mutex},
    time::{delay::fsleep, Delta},
};
use knet::{
    errno,
    kthread::Thread,
    netdevice,
    netfilter::Family,
    proc_seq::Show,
    rcu::{Arc, Slot},
    socket::UdpSocket,
};

use crate::{checks::comes_true, State, GROUP, LOCAL, LOCAL6, PORT};

/// A thread that waits for a socket, and outlives the namespace of that.
#[pin_data]
struct Listener {
    #[pin]
    thread: Mutex<Option<Thread>>,
    /// A socket that nobody closes in time.
    #[pin]
    forgotten: Mutex<Option<UdpSocket>>,
    /// How its waits have ended.
    outcome: sync::Arc<AtomicI32>,
}

static LISTENER: Slot<Listener> = Slot::empty();

/// `sockets_and_threads_stay`.
pub(crate) struct Stay;

impl Show<State> for Stay {
    const NAME: &'static CStr = c"sockets_and_threads_stay";

    fn show(state: &State, seq: &SeqFile) {
        match stay(state) {
            Ok(()) => seq_print!(seq, "left\n"),
            Err(error) => seq_print!(seq, "error {}\n", error.to_errno()),
        }
    }
}

fn stay(state: &State) -> Result {
    let net = state.net().ok_or(ENODEV)?;
    let device = netdevice::by_name(&net, b"d0").ok_or(ENODEV)?.index;
    let forgotten = UdpSocket::new(&net, Family::V6)?;
    forgotten.bind(LOCAL6)?;
    let socket = UdpSocket::new(&net, Family::V4)?;
    socket.bind(SocketAddr::new(GROUP.into(), PORT))?;
    socket.join(GROUP.into(), device)?;
    let outcome = sync::Arc::new(AtomicI32::new(0), GFP_KERNEL)?;
    let told = outcome.clone();
    let thread = Thread::start(fmt!("knet-listener"), move |current| {
        let outcome = socket.wait_to_receive(current, usize::MAX);
        // All of these are refused now, and the socket may be dropped.
        let refused = [
            socket.receive(&mut [0; 8]).err(),
            socket.send(b"x").err(),
            socket.bind(LOCAL).err(),
            socket.join(GROUP.into(), device).err(),
            socket.wait_to_send(current, usize::MAX).err(),
        ];
        let is_refused = outcome == Err(errno::eshutdown());
        // The wait ends a moment before the socket is closed.
        fsleep(Delta::from_millis(50));
        let is_closed = socket.local_address().err() == Some(errno::eshutdown());
        let all = refused.iter().all(Option::is_some);
        told.store(
            i32::from(is_refused) + i32::from(is_closed) + i32::from(all),
            Relaxed,
        );
    })?;
    let listener = Arc::pin_init(
        pin_init!(Listener {
            thread <- new_mutex!(Some(thread), "listener_thread"),
            forgotten <- new_mutex!(Some(forgotten), "listener_forgotten"),
            outcome,
        }),
        GFP_KERNEL,
    )?;
    drop(LISTENER.replace(Some(listener)));
    Ok(())
}

/// `sockets_and_threads_left`.
pub(crate) struct Left;

impl Show<State> for Left {
    const NAME: &'static CStr = c"sockets_and_threads_left";

    fn show(_: &State, seq: &SeqFile) {
        let Some(listener) = LISTENER.get() else {
            return seq_print!(seq, "nobody\n");
        };
        let is_told = comes_true(|| listener.outcome.load(Relaxed) != 0);
        let thread = listener.thread.lock().take();
        drop(thread);
        let forgotten = listener.forgotten.lock().take();
        let is_closed =
            forgotten.is_some_and(|socket| socket.local_address() == Err(errno::eshutdown()));
        drop(LISTENER.replace(None));
        seq_print!(
            seq,
            "{is_told} {is_closed} {}\n",
            listener.outcome.load(Relaxed)
        );
    }
}
