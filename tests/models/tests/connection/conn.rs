// SPDX-License-Identifier: GPL-2.0

//! A connection with what the files of its life and its state need of it.

#![allow(dead_code, reason = "the models use a part of the files")]

#[path = "../../../../ipvs_rs/ipvs/model/conn/condition.rs"]
mod condition;
#[path = "../../../../ipvs_rs/ipvs/model/conn/control.rs"]
pub(crate) mod control;
#[path = "../../../../ipvs_rs/ipvs/model/conn/life.rs"]
mod life;
#[path = "../../../../ipvs_rs/ipvs/model/conn/state.rs"]
mod state;

/// There is no master here.
mod announce {
    pub(super) fn announce_controller(_: &super::Arc<super::Conn>) {}
}

/// Connection tracking is not asked here.
mod tracking {
    use super::{super::Net, Conn};
    use knet::rcu::Guard;

    pub(crate) struct Entry;

    pub(crate) fn entry(_: &Conn) -> Entry {
        Entry
    }

    impl Entry {
        pub(crate) fn kill(&self, _: &Net, _: &Guard) {}
    }
}

use super::{Dest, Ipvs, ESTABLISHED};
use condition::{Condition, SharedCondition};
use control::{ControlledCount, ControllerRef};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use ipvs_core::{conn::ConnFlags, proto::TCP};
use kernel::{c_str, prelude::*, static_lock_class};
use knet::{
    field,
    hashtable::Node,
    rcu::{self, Arc},
    time::{Jiffies, HZ},
    timer::{Storage, Timer},
    watched::Watched,
};
use loom::sync::Arc as Shared;

#[pin_data]
pub(crate) struct Conn {
    pub(super) client_node: Node<Conn>,
    protocol: u8,
    condition: SharedCondition,
    deadline: AtomicUsize,
    timeout: AtomicU32,
    dest: Shared<Dest>,
    #[pin]
    timer: Timer<Conn>,
    ipvs: Shared<Ipvs>,
    control: Option<Arc<Conn>>,
    controlled: ControlledCount,
    contents: Watched,
}

impl Conn {
    /// One of TCP that lives until so many seconds from now, and whose timer goes off after `timer` seconds.
    pub(crate) fn enter(ipvs: &Shared<Ipvs>, lives: usize, timer: usize, role: Role) -> Arc<Self> {
        let after = |seconds: usize| Jiffies::now().after(seconds * HZ);
        let (control, controlled, flags) = match role {
            Role::Connection(control) => (control, 0, ConnFlags::EMPTY.with(ConnFlags::INACTIVE)),
            Role::Template => (None, 1, ConnFlags::TEMPLATE),
        };
        let (ipvs, dest) = (ipvs.clone(), ipvs.dest.clone());
        let conn = Arc::pin_init(
            pin_init!(Self {
                client_node: Node::new(0),
                protocol: TCP,
                condition: SharedCondition::new(Condition::new(flags, 0)),
                deadline: AtomicUsize::new(after(lives).ticks()),
                timeout: AtomicU32::new((ESTABLISHED * HZ) as u32),
                dest,
                timer <- Timer::new(Storage::Allocated, c_str!("conn"), static_lock_class!()),
                ipvs,
                control: control.and_then(ControllerRef::keep),
                controlled: ControlledCount::new(controlled),
                contents: Watched::new(),
            }),
            GFP_KERNEL,
        )
        .expect("memory enough");
        // Loom makes such atomics at their first use, which has to come before they are shared.
        conn.condition();
        conn.timeout.load(Relaxed);
        drop(ControllerRef::at(conn.as_ref()));
        Timer::arm(&conn, after(timer));
        let guard = rcu::read_lock();
        let is_same = |_: &Conn, _| false;
        let table = &conn.ipvs.conns.0;
        table
            .insert(&conn, field!(Conn, client_node), 0, &guard, is_same)
            .expect("it is new");
        drop(guard);
        conn
    }

    fn is_template(&self) -> bool {
        self.condition().flags().has(ConnFlags::TEMPLATE)
    }

    fn is_tracked(&self) -> bool {
        false
    }

    fn condition(&self) -> Condition {
        self.condition.get()
    }

    /// As in the module.
    fn unbind(&self) {
        let last = self
            .condition
            .add(Condition::new(ConnFlags::ENDED, 0))
            .flags();
        if !last.has(ConnFlags::TEMPLATE) && !last.has(ConnFlags::INACTIVE) {
            self.dest.count_active(false);
        }
        control::release(self.control.as_ref());
    }

    /// Until when it lives.
    pub(crate) fn until(&self) -> usize {
        self.deadline().ticks()
    }
}

pub(crate) enum Role {
    Connection(Option<ControllerRef>),
    Template,
}
