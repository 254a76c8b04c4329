// SPDX-License-Identifier: GPL-2.0

//! Connections of TCP: who owns them, and when the owner is given up. They are made over loopback, if that is up; what
//! moves over them is tested by scenarios.

use kernel::prelude::*;

#[kunit_tests(knet_tcp)]
mod tests {
    use core::{
        net::{IpAddr, Ipv4Addr, SocketAddr},
        sync::atomic::{AtomicUsize, Ordering::Relaxed},
    };
    use kernel::time::{delay::fsleep, Delta};

    use super::*;
    use crate::{
        errno,
        field::{field, Field},
        net_namespace::Net,
        rcu::{self, Arc, Ref},
        tcp::{Facts, Listener, Locked, Options, Owner, Stop, Stream, Unowned, Which},
        work::{BottomHalf, BottomHalfJob, BottomHalfQueue, BottomHalfWork},
    };

    /// Counts its ends, and how often it is woken.
    struct Watch {
        ends: &'static AtomicUsize,
        wakes: AtomicUsize,
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            self.ends.fetch_add(1, Relaxed);
        }
    }

    impl Owner for Watch {
        fn wake(owner: Ref<'_, Self>) {
            owner.wakes.fetch_add(1, Relaxed);
        }
    }

    fn watch(ends: &'static AtomicUsize) -> Result<Arc<Watch>> {
        let wakes = AtomicUsize::new(0);
        Arc::new(Watch { ends, wakes }, GFP_KERNEL)
    }

    const ANY: Options = Options {
        backlog: 8,
        defer_seconds: 0,
    };

    fn at(port: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
    }

    /// Waits for what happens within a second.
    fn soon<T>(mut happened: impl FnMut() -> Option<T>) -> Option<T> {
        for _ in 0..1_000 {
            if let Some(found) = happened() {
                return Some(found);
            }
            fsleep(Delta::from_millis(1));
        }
        None
    }

    #[test]
    fn listeners_give_up_their_owner() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        let owner = watch(&ENDS)?;
        let listener = Listener::new(Net::init(), at(40_901), ANY, owner.clone())?;
        let second = Listener::new(Net::init(), at(40_901), ANY, owner.clone());
        assert_eq!(second.err(), Some(errno::eaddrinuse()));
        assert_eq!(listener.accept().err(), Some(EAGAIN));
        drop(owner);
        rcu::barrier(2);
        assert_eq!(ENDS.load(Relaxed), before);
        drop(listener);
        rcu::barrier(2);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        // The port is free at once.
        drop(Listener::new(Net::init(), at(40_901), ANY, watch(&ENDS)?)?);
        rcu::barrier(2);
        assert_eq!(ENDS.load(Relaxed), before + 2);
        Ok(())
    }

    /// A connection over loopback: both its ends, the first of them with an owner.
    fn connected(port: u16, owner: &Arc<Watch>) -> Result<Option<(Stream<Watch>, Unowned)>> {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let listening = watch(&ENDS)?;
        let listener = Listener::new(Net::init(), at(port), ANY, listening)?;
        let near = match Stream::connect(Net::init(), at(port), owner.clone()) {
            Ok(near) => near,
            // Loopback is not up.
            Err(error) if error == errno::enetunreach() => return Ok(None),
            Err(error) => return Err(error),
        };
        let far = soon(|| listener.accept().ok()).ok_or(ETIMEDOUT)?;
        assert_eq!(near.connection().peer()?, at(port));
        assert!(soon(|| (owner.wakes.load(Relaxed) > 0).then_some(())).is_some());
        Ok(Some((near, far)))
    }

    #[test]
    fn streams_give_up_their_owner_and_tell_of_the_end() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let before = ENDS.load(Relaxed);
        let owner = watch(&ENDS)?;
        if let Some((near, far)) = connected(40_902, &owner)? {
            let woken = owner.wakes.load(Relaxed);
            drop(far);
            assert!(soon(|| (owner.wakes.load(Relaxed) > woken).then_some(())).is_some());
            drop(near);
        }
        // One that cannot be made keeps nothing either: nobody has this address.
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::BROADCAST), 1);
        assert!(Stream::connect(Net::init(), nowhere, owner.clone()).is_err());
        drop(owner);
        rcu::barrier(2);
        assert_eq!(ENDS.load(Relaxed), before + 1);
        Ok(())
    }

    /// Looks at two streams in a bottom half.
    #[pin_data]
    struct Pair {
        near: Stream<Watch>,
        far: Stream<Watch>,
        seen: AtomicUsize,
        #[pin]
        looking: BottomHalfWork<Pair, Look>,
    }

    struct Look;

    impl BottomHalfJob<Pair> for Look {
        const WORK: Field<Pair, BottomHalfWork<Pair, Self>> = field!(Pair, looking);

        fn queue() -> &'static BottomHalfQueue {
            &QUEUE
        }

        fn run(pair: Arc<Pair>, context: &BottomHalf) {
            pair.seen.store(pair.look(context).unwrap_or(0), Relaxed);
        }
    }

    /// What is stored if something is not as it should be.
    const WRONG: usize = usize::MAX;

    impl Pair {
        /// The number of bytes that were sent; [`None`] if a process has one of the sockets.
        fn look(&self, context: &BottomHalf) -> Option<usize> {
            // A stream and itself would wait for each other.
            let same = Locked::lock(&self.near, Some(&self.near), context);
            let mut alone = Locked::lock(&self.near, None::<&Stream<Watch>>, context).ok()?;
            let has_far = alone.facts(Which::Far).is_some();
            let moved = alone.splice(Which::Near, 1, 0, false);
            drop(alone);
            let mut locked = Locked::lock(&self.near, Some(&self.far), context).ok()?;
            let facts = locked.facts(Which::Near);
            let is_right = same.err() == Some(EINVAL)
                && !has_far
                && moved.stop == Stop::Failed
                && facts.is_some_and(Facts::is_connected);
            Some(match is_right {
                true => locked.send(Which::Near, b"hello", false).bytes,
                false => WRONG,
            })
        }
    }

    static QUEUE: BottomHalfQueue = BottomHalfQueue::new();

    #[test]
    fn two_streams_are_locked_together() -> Result {
        static ENDS: AtomicUsize = AtomicUsize::new(0);
        let owner = watch(&ENDS)?;
        let Some((near, far)) = connected(40_903, &owner)? else {
            return Ok(());
        };
        let far = far.own(owner.clone())?;
        let open = QUEUE.open()?;
        let pair = Arc::pin_init(
            pin_init!(Pair {
                near,
                far,
                seen: AtomicUsize::new(0),
                looking <- BottomHalfWork::new(),
            }),
            GFP_KERNEL,
        )?;
        let sent = soon(|| {
            BottomHalfWork::<Pair, Look>::queue(pair.clone());
            (pair.seen.load(Relaxed) != 0).then_some(())
        });
        assert!(sent.is_some());
        // Waits for what is queued.
        drop(open);
        assert_eq!(pair.seen.load(Relaxed), 5);
        assert!(!BottomHalfWork::<Pair, Look>::queue(pair.clone()));
        // A thread may do it, too.
        assert!(soon(|| BottomHalf::enter(|context| pair.look(context)).flatten()).is_some());
        Ok(())
    }
}
