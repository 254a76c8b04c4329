// SPDX-License-Identifier: GPL-2.0

//! What a thread does for a relay, as it sleeps.

use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;
use knet::{
    errno,
    field::{field, Field},
    rcu::Arc,
    tcp::Stream,
    timer::Timer,
    work::{BottomHalf, Job, Work},
};

use super::{turn::Turn, Relay};

/// The slow work of a relay.
pub(super) struct Slow;

impl Job<Relay> for Slow {
    const WORK: Field<Relay, Work<Relay, Self>> = field!(Relay, slow);

    fn run(relay: Arc<Relay>) {
        Self::serve(&relay);
    }
}

impl Slow {
    /// Does the slow work of a relay, and what can be done at once behind it. May sleep.
    ///
    /// Also while another thread does it: what is to be done is taken out of the state once.
    pub(super) fn serve(relay: &Arc<Relay>) {
        let mut inner = relay.inner.lock();
        let leaving = inner.streams.leaving.take();
        let connect = inner.state.take_connect();
        drop(inner);
        drop(leaving);
        if let Some((to, attempt)) = connect {
            // What is told meanwhile is seen in the turn below.
            relay.is_busy.store(true, Relaxed);
            let outcome = Stream::connect(&relay.net, to, relay.clone());
            let mut inner = relay.inner.lock();
            let unwanted = match outcome {
                Ok(stream) if inner.state.is_awaited(attempt) => {
                    inner.streams.server.replace(stream)
                }
                // It was too late, or nobody wants it any more.
                Ok(stream) => Some(stream),
                Err(error) => {
                    inner.state.cannot_connect(attempt, is_of_route(error));
                    None
                }
            };
            drop(inner);
            drop(unwanted);
            relay.is_busy.store(false, Relaxed);
            // A connection to a host that is near is there already. What comes of the turn is another thread's, or this would go on as
            // long as servers refuse.
            match BottomHalf::enter(|context| Turn::take(relay, context)) {
                Some(true) => Relay::be_slow(relay.clone()),
                Some(false) => {}
                None => Relay::kick(relay.clone()),
            }
        }
        Self::finish(relay);
    }

    /// Ends the relay, if it is time.
    fn finish(relay: &Arc<Relay>) {
        let mut inner = relay.inner.lock();
        if !inner.state.take_end() {
            return;
        }
        let client = inner.streams.client.take();
        let server = inner.streams.server.take();
        let leaving = inner.streams.leaving.take();
        drop(inner);
        drop(client);
        drop(server);
        drop(leaving);
        // No turn arms it any more.
        Timer::<Relay>::cancel(relay);
        relay.service.gone(relay.place);
    }
}

/// Whether a connection cannot be made because the server is not reached. Everything else, as a lack of ports or memory, is no
/// fault of the server.
fn is_of_route(error: Error) -> bool {
    [
        errno::enetunreach(),
        errno::ehostunreach(),
        errno::econnrefused(),
    ]
    .contains(&error)
}
