// SPDX-License-Identifier: GPL-2.0

//! Moving bytes.

use knet::tcp::{Facts, Stop, Which};
use ktcpvs_core::{
    http::{
        answer::{class_of, STATUS_LEN},
        Fault,
    },
    relay::{Event, Halt, Side},
};

use super::{which, Session};

impl Session<'_, '_> {
    /// Moves bytes from one side to the other. Returns whether the turn goes on.
    pub(super) fn move_bytes(&mut self, from: Side, limit: u64) -> bool {
        // What has no end but the FIN is followed by one.
        let passes_fin = limit == u64::MAX && !self.state.has_failed(from);
        let allowance = self.state.allowance(from);
        let limit = usize::try_from(limit).map_or(allowance, |limit| limit.min(allowance));
        if limit == 0 {
            let halt = Halt::Limit;
            self.on(Event::Moved { bytes: 0, halt });
            return false;
        }
        if from == Side::Server && self.state.is_answer_due {
            self.note_answer();
        }
        let service = &self.relay.service;
        let copy_max = service.settings.copy_max();
        let moved = self.locked.splice(which(from), limit, copy_max, passes_fin);
        self.state.spend(from, moved.bytes);
        // CAST: A u64 holds it.
        let bytes = moved.bytes as u64;
        match from {
            Side::Client => service.stats.bytes_in(bytes),
            Side::Server => service.stats.bytes_out(bytes),
        }
        if let Some(server) = self.state.chosen() {
            match from {
                Side::Client => server.stats.bytes_in(bytes),
                Side::Server => server.stats.bytes_out(bytes),
            }
        }
        let halt = match moved.stop {
            Stop::Full | Stop::Failed => Halt::Full,
            Stop::Done if moved.bytes >= limit => Halt::Limit,
            Stop::Done => self.halt_of(from, Some(moved.left), moved.bytes),
        };
        self.on(Event::Moved { bytes, halt });
        self.want_room(from.other(), moved.stop);
        true
    }

    /// Counts the answer that begins with the first bytes of the server.
    fn note_answer(&mut self) {
        let mut beginning = [0; STATUS_LEN];
        let count = self.locked.peek(Which::Far, &mut beginning);
        if count == 0 {
            return;
        }
        self.state.is_answer_due = false;
        let class = beginning.get(..count).and_then(class_of);
        if let Some(class) = class {
            self.relay.service.stats.answer(class);
            if let Some(server) = self.state.chosen() {
                server.stats.answer(class);
            }
        }
    }

    /// Why a side has no more bytes.
    fn halt_of(&self, from: Side, left: Option<Facts>, moved: usize) -> Halt {
        match left {
            // An error that was told once is not told again, and looks like a FIN.
            Some(facts) if facts.is_end() && !self.state.has_failed(from) => Halt::End,
            Some(facts) if facts.has_bytes() && moved > 0 => Halt::Limit,
            _ => Halt::Empty,
        }
    }

    /// Drops bytes of the client.
    pub(super) fn discard(&mut self, limit: u64) {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let dropped = self.locked.discard(Which::Near, limit);
        let halt = match dropped >= limit {
            true => Halt::Limit,
            false => {
                let left = self.locked.facts(Which::Near);
                self.halt_of(Side::Client, left, 0)
            }
        };
        // CAST: A u64 holds it.
        let bytes = dropped as u64;
        self.on(Event::Moved { bytes, halt });
    }

    /// Answers the client.
    pub(super) fn send_fault(&mut self, fault: Fault, is_head: bool, from: u32) {
        let service = &self.relay.service;
        if from == 0 {
            service.stats.error(fault);
            if service.settings.logs(1) {
                kernel::pr_info!("a client is told {}\n", fault.status());
            }
        }
        // CAST: A usize holds it.
        let [head, body] = fault.rest(is_head, from as usize);
        let mut sent = self.locked.send(Which::Near, head, !body.is_empty());
        if sent.stop == Stop::Done {
            let more = self.locked.send(Which::Near, body, false);
            sent.bytes = sent.bytes.saturating_add(more.bytes);
            sent.stop = more.stop;
        }
        // CAST: Both are the length of an answer at most.
        self.relay.service.stats.bytes_out(sent.bytes as u64);
        let bytes = sent.bytes as u32;
        let halt = match sent.stop {
            Stop::Done => Halt::Limit,
            Stop::Full | Stop::Failed => Halt::Full,
        };
        self.on(Event::Sent { bytes, halt });
        self.want_room(Side::Client, sent.stop);
    }
}
