// SPDX-License-Identifier: GPL-2.0

//! Kernel threads, sockets, and the lock of these. Datagrams are received in `tests/kbuild`, in a namespace that
//! has the devices for it.

use kernel::prelude::*;

#[kunit_tests(knet_sockets)]
mod tests {
    use core::{
        net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
        sync::atomic::{AtomicUsize, Ordering::Relaxed},
    };
    use kernel::{static_lock_class, sync};

    use super::*;
    use crate::{
        errno,
        kthread::{Thread, Waker, Woken},
        kunit::Probe,
        net_namespace::Net,
        netdevice,
        netfilter::Family,
        rwsem::RwSemaphore,
        socket::{PathMtuDiscovery, UdpSocket},
        time::HZ,
    };

    const LONG: usize = 1_000 * HZ;

    #[test]
    fn threads_end_when_they_are_told_and_drop_their_argument_once() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        for round in 1..101 {
            let probe = Probe(&ENDS);
            let thread = Thread::start(fmt!("knet-kunit:{round}"), move |current| {
                let _probe = probe;
                while current.sleep(LONG) != Woken::Stopping {}
            })?;
            thread.waker().wake();
            // Some of them have not begun yet.
            drop(thread);
            assert_eq!(ENDS.load(Relaxed), before + round);
        }
        Ok(())
    }

    #[test]
    fn wakers_outlive_their_thread() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        let probe = Probe(&ENDS);
        let thread = Thread::start(fmt!("knet-kunit"), move |current| {
            let _probe = probe;
            // A call from before the sleep counts.
            while current.sleep(LONG) == Woken::TimedOut {}
        })?;
        let waker: Waker = thread.waker().clone();
        waker.wake();
        thread.stop();
        waker.wake();
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }

    #[test]
    fn readers_share_and_writers_change() -> Result {
        let init = RwSemaphore::new(1, c"knet_kunit_rwsem", static_lock_class!());
        let lock = sync::Arc::pin_init(init, GFP_KERNEL)?;
        let shared = lock.clone();
        assert_eq!(*lock.read(), 1);
        let reader = lock.read();
        let writer = Thread::start(fmt!("knet-kunit"), move |_| *shared.write() += 1)?;
        assert_eq!(*reader, 1);
        drop(reader);
        // It may not have begun, and then nothing is changed.
        writer.stop();
        assert!(*lock.read() <= 2);
        *lock.write() += 10;
        assert!(*lock.read() >= 11);
        Ok(())
    }

    const LOCAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    const LOCAL6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0);

    #[test]
    fn sockets_refuse_what_makes_no_sense() -> Result {
        let lo = netdevice::by_name(Net::init(), b"lo").ok_or(ENODEV)?.index;
        let group = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 81));
        let socket = UdpSocket::new(Net::init(), Family::V4)?;
        assert_eq!(socket.family(), Family::V4);
        assert_eq!(socket.bind(LOCAL6).err(), Some(errno::eafnosupport()));
        assert_eq!(socket.connect(LOCAL6).err(), Some(errno::eafnosupport()));
        assert_eq!(
            socket.join(LOCAL6.ip(), lo).err(),
            Some(errno::eafnosupport())
        );
        assert_eq!(socket.join(LOCAL.ip(), lo).err(), Some(EINVAL));
        assert_eq!(socket.leave(group, lo).err(), Some(errno::eaddrnotavail()));
        assert_eq!(socket.send(b"x").err(), Some(errno::edestaddrreq()));
        assert_eq!(socket.receive(&mut [0; 1]).err(), Some(EAGAIN));
        socket.bind_to_device(lo)?;
        socket.set_reuse_address(true)?;
        socket.set_multicast_hops(255)?;
        socket.set_multicast_loop(false)?;
        socket.set_path_mtu_discovery(PathMtuDiscovery::Probe)?;
        socket.set_send_buffer(30_000)?;
        assert_eq!(socket.send_buffer()?, 60_000);
        socket.shut_down();
        assert_eq!(socket.receive(&mut [0; 1]).err(), Some(EAGAIN));
        Ok(())
    }
}
