// SPDX-License-Identifier: GPL-2.0

//! Tests of threads that wait for a socket.

use core::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::Ordering::Relaxed,
};
use kernel::{
    prelude::*,
    sync::Arc,
    time::{delay::fsleep, Delta},
};
use knet::{
    errno,
    kthread::{Thread, Woken},
    net_namespace::Net,
    netfilter::Family,
    socket::UdpSocket,
    time::Jiffies,
};

use crate::{
    checks::{comes_true, counter, get, refused, want, Outcome, LONG},
    sockets::soon,
    LOCAL,
};

pub(crate) fn threads_that_receive(net: &Net) -> Outcome {
    let (one, two) = (
        get!(UdpSocket::new(net, Family::V4)),
        get!(UdpSocket::new(net, Family::V4)),
    );
    get!(two.bind(LOCAL));
    get!(one.connect(get!(two.local_address())));
    let (received, begun) = (get!(counter()), get!(counter()));
    let (counted, begins) = (received.clone(), begun.clone());
    let thread = get!(Thread::start(fmt!("knet-test"), move |current| {
        let mut buffer = [0; 8];
        if two.wait_to_receive(current, 1) != Ok(Woken::TimedOut)
            || two.wait_to_send(current, LONG) != Ok(Woken::Ready)
        {
            return;
        }
        begins.fetch_add(1, Relaxed);
        while two.wait_to_receive(current, LONG) == Ok(Woken::Ready) {
            while two.receive(&mut buffer).is_ok() {
                counted.fetch_add(1, Relaxed);
            }
        }
    }));
    want!(comes_true(|| begun.load(Relaxed) == 1));
    for round in 1..200 {
        get!(one.send(b"x"));
        want!(comes_true(|| received.load(Relaxed) == round));
    }
    thread.stop();
    // It has dropped its socket.
    get!(one.send(b"x"));
    refused!(soon(&one, &mut [0; 8]), errno::econnrefused());
    Ok(())
}

pub(crate) fn threads_are_stopped_while_they_receive(net: &Net) -> Outcome {
    for _ in 0..20 {
        let socket = get!(UdpSocket::new(net, Family::V4));
        get!(socket.bind(LOCAL));
        let (waits, stopped) = (get!(counter()), get!(counter()));
        let (counted, outcome) = (waits.clone(), stopped.clone());
        let thread = get!(Thread::start(fmt!("knet-test"), move |current| {
            counted.fetch_add(1, Relaxed);
            if socket.wait_to_receive(current, LONG) == Ok(Woken::Stopping) {
                outcome.fetch_add(1, Relaxed);
            }
        }));
        want!(comes_true(|| waits.load(Relaxed) == 1));
        fsleep(Delta::from_millis(5));
        let start = Jiffies::now();
        thread.stop();
        want!(Jiffies::now().since(start) < LONG as isize / 2);
        want!(stopped.load(Relaxed) == 1);
    }
    Ok(())
}

pub(crate) fn a_shutdown_ends_waits(net: &Net) -> Outcome {
    let socket = get!(UdpSocket::new(net, Family::V4));
    get!(socket.bind(LOCAL));
    get!(socket.connect(get!(socket.local_address())));
    let socket = get!(Arc::new(socket, GFP_KERNEL));
    let (waits, ended) = (get!(counter()), get!(counter()));
    let (counted, outcome, shared) = (waits.clone(), ended.clone(), socket.clone());
    let thread = get!(Thread::start(fmt!("knet-test"), move |current| {
        counted.fetch_add(1, Relaxed);
        if shared.wait_to_receive(current, LONG) == Err(errno::eshutdown()) {
            outcome.fetch_add(1, Relaxed);
        }
    }));
    want!(comes_true(|| waits.load(Relaxed) == 1));
    fsleep(Delta::from_millis(5));
    socket.shut_down();
    want!(comes_true(|| ended.load(Relaxed) == 1));
    thread.stop();
    refused!(socket.receive(&mut [0; 8]), EAGAIN);
    refused!(socket.send(b"x"), EPIPE);
    Ok(())
}

/// What is sent to a host that does not answer waits for its address, and counts until that is given up.
pub(crate) fn a_full_buffer(net: &Net) -> Outcome {
    let socket = get!(UdpSocket::new(net, Family::V4));
    let nobody = SocketAddr::new(Ipv4Addr::new(10, 9, 8, 99).into(), 9);
    get!(socket.set_send_buffer(0));
    let mut sent = 0_usize;
    let error = loop {
        match socket.send_to(&[0; 500], nobody) {
            Ok(()) if sent < 100 => sent += 1,
            outcome => break outcome.err(),
        }
    };
    want!(sent > 0 && error == Some(EAGAIN));
    let (waits, ready) = (get!(counter()), get!(counter()));
    let (counted, outcome) = (waits.clone(), ready.clone());
    let thread = get!(Thread::start(fmt!("knet-test"), move |current| {
        counted.fetch_add(1, Relaxed);
        if socket.wait_to_send(current, 1) != Ok(Woken::TimedOut) {
            return;
        }
        counted.fetch_add(1, Relaxed);
        if socket.wait_to_send(current, LONG) == Ok(Woken::Ready)
            && socket.send_to(&[0; 500], nobody).is_ok()
        {
            outcome.fetch_add(1, Relaxed);
        }
    }));
    want!(comes_true(|| waits.load(Relaxed) == 2));
    want!(comes_true(|| ready.load(Relaxed) == 1));
    thread.stop();
    Ok(())
}
