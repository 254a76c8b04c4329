// SPDX-License-Identifier: GPL-2.0

//! A connection with the fields that its announcements need.

#![allow(dead_code, reason = "the model uses a part of the files")]

#[path = "../../../../ipvs_rs/ipvs/model/conn/announce.rs"]
pub(crate) mod announce;
#[path = "../../../../ipvs_rs/ipvs/model/conn/condition.rs"]
mod condition;

use super::model::{Ipvs, Settings};
use condition::{Condition, SharedCondition};
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use ipvs_core::{addr::Addr, conn::ConnFlags, proto::TCP};
use kernel::prelude::GFP_KERNEL;
use knet::rcu::Arc;
use loom::sync::Arc as Shared;

pub(crate) struct Conn {
    condition: SharedCondition,
    announced: AtomicU32,
    deadline: AtomicUsize,
    timeout: AtomicU32,
    control: Option<Arc<Conn>>,
    protocol: u8,
    client: Addr,
    client_port: u16,
    ipvs: Shared<Ipvs>,
}

impl Conn {
    pub(crate) fn new(ipvs: &Shared<Ipvs>) -> Arc<Self> {
        let conn = Self {
            condition: SharedCondition::new(Condition::new(ConnFlags::EMPTY, 0)),
            announced: AtomicU32::new(0),
            deadline: AtomicUsize::new(1000),
            timeout: AtomicU32::new(1000),
            control: None,
            protocol: TCP,
            client: Addr::ZERO,
            client_port: 0,
            ipvs: ipvs.clone(),
        };
        let conn = Arc::new(conn, GFP_KERNEL).expect("memory enough");
        // Loom makes such atomics at their first use, which has to come before they are shared.
        conn.condition();
        conn.announced.load(Relaxed);
        conn.timeout.load(Relaxed);
        conn
    }

    pub(crate) fn ipvs(&self) -> &Ipvs {
        &self.ipvs
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.ipvs.settings
    }

    pub(crate) fn condition(&self) -> Condition {
        self.condition.get()
    }

    fn is_template(&self) -> bool {
        false
    }

    /// As a packet does.
    pub(crate) fn move_to(&self, state: u8) {
        loop {
            let from = self.condition();
            if self
                .condition
                .change(from, Condition::new(ConnFlags::EMPTY, state))
            {
                return;
            }
        }
    }
}
