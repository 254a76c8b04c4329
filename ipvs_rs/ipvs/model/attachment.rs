// SPDX-License-Identifier: GPL-2.0

//! What few connections have beside what all have: the data of a persistence engine in a template, or the session of a helper
//! in a connection. A connection has room for one pointer only.

use core::any::Any;
use ipvs_core::engine::EngineData;
use kernel::{
    alloc::{flags::__GFP_NOWARN, KBox},
    prelude::*,
    sync::lock,
};
use knet::{
    rcu::Arc,
    spinlock::{new_spinlock_bh, SpinLockBh, SpinLockBhBackend},
};

use super::engine::OwnedEngineData;

/// What a helper remembers, as its module sees it.
pub type SessionState = KBox<dyn Any + Send>;

/// The data of an engine, or the session of a helper.
#[pin_data]
pub(crate) struct Attachment {
    engine_data: Option<OwnedEngineData>,
    #[pin]
    session: Session,
}

impl Attachment {
    /// The data of a persistence engine, for a template.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn of_engine(data: OwnedEngineData) -> Result<Arc<Self>> {
        Self::new(Some(data), None)
    }

    /// The session of a helper, for a new connection.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn of_helper(state: SessionState) -> Result<Arc<Self>> {
        Self::new(None, Some(state))
    }

    fn new(engine_data: Option<OwnedEngineData>, state: Option<SessionState>) -> Result<Arc<Self>> {
        let attachment = pin_init!(Self {
            engine_data,
            session <- Session::new(state),
        });
        Arc::pin_init(attachment, GFP_ATOMIC | __GFP_NOWARN)
    }

    /// The data of an engine.
    pub(crate) fn engine_data(&self) -> Option<EngineData<'_>> {
        self.engine_data.as_ref().map(OwnedEngineData::get)
    }

    /// The session of a helper.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }
}

/// What a helper remembers of a connection from packet to packet.
///
/// The state is dropped by functions of the helper's module, so it ends with its connection and not with the memory of that,
/// which may be kept for long.
#[pin_data]
pub struct Session {
    /// Packets hold the lock while they are in the helper. [`None`] after the end of the connection, or if there never was any.
    #[pin]
    state: SpinLockBh<Option<SessionState>>,
}

impl Session {
    fn new(state: Option<SessionState>) -> impl PinInit<Self> {
        pin_init!(Self {
            state <- new_spinlock_bh!(state, "ip_vs_helper"),
        })
    }

    /// The state, locked.
    pub(crate) fn lock(&self) -> SessionGuard<'_> {
        self.state.lock()
    }

    /// Drops the state. Waits for a packet that is in the helper.
    pub(crate) fn end(&self) {
        let state = self.state.lock().take();
        drop(state);
    }
}

/// The locked state of a [`Session`].
pub(crate) type SessionGuard<'a> = lock::Guard<'a, Option<SessionState>, SpinLockBhBackend>;
