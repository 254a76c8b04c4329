// SPDX-License-Identifier: GPL-2.0

//! Persistence engines as services and templates use them.
//!
//! An engine finds data in the payload of a packet, by which a client is known again whatever its port is: the Call-ID
//! of SIP, for example. The templates of a service with an engine have such data. A template is found by its data and
//! its tuple together.
//!
//! A service keeps the module of its engine loaded, and so does each template with data, until it is freed.

use core::{
    ops::Range,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};
use ipvs_core::engine::{EngineData, ENGINE_DATA_MAX};
use kernel::{
    alloc::{flags::__GFP_NOWARN, KVec},
    prelude::*,
};
use knet::registry::{Held, Named};

use super::helping::Transport;

/// The function of an engine.
pub trait Finder: Named {
    /// The place of the data in a payload of a transport protocol. [`None`] if there is none.
    fn find(&self, transport: Transport, payload: &[u8]) -> Option<Range<usize>>;

    /// Whether servers may begin a conversation.
    fn serves_begun(&self) -> bool;
}

/// The number of [`Begun`]s, in all namespaces. Packets that belong to no connection are not looked at while it is 0.
static BEGUN: AtomicU32 = AtomicU32::new(0);

/// Whether there is a service, in any namespace, whose servers may begin a conversation.
#[inline]
pub(crate) fn serve_begun() -> bool {
    BEGUN.load(Relaxed) != 0
}

/// Part of a service whose servers may begin a conversation.
pub(super) struct Begun(());

impl Begun {
    /// Counts the service from now on.
    pub(super) fn new() -> Self {
        BEGUN.fetch_add(1, Relaxed);
        Self(())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        BEGUN.fetch_sub(1, Relaxed);
    }
}

/// The data of a template, and its engine.
pub(crate) struct OwnedEngineData {
    engine: Held<dyn Finder>,
    data: KVec<u8>,
}

impl OwnedEngineData {
    /// A copy of `data` for a template.
    ///
    /// # Errors
    ///
    /// `EINVAL` if it is longer than [`ENGINE_DATA_MAX`], `ENOMEM`.
    pub(crate) fn new(engine: Held<dyn Finder>, data: &[u8]) -> Result<Self> {
        if data.len() > ENGINE_DATA_MAX {
            return Err(EINVAL);
        }
        let flags = GFP_ATOMIC | __GFP_NOWARN;
        let mut copy = KVec::with_capacity(data.len(), flags)?;
        copy.extend_from_slice(data, flags)?;
        Ok(Self { engine, data: copy })
    }

    /// The data, and the name of the engine.
    pub(crate) fn get(&self) -> EngineData<'_> {
        EngineData {
            name: self.engine.name().as_bytes(),
            data: &self.data,
        }
    }
}
