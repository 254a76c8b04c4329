// SPDX-License-Identifier: GPL-2.0

//! The datagrams of one stream of a master that a backup misses.
//!
//! Numbers are compared as in RFC 1982: one is ahead of another if it is less than 2^31 further.

/// The most ranges of missing datagrams that are kept.
const MOST_RANGES: usize = 16;

/// The most datagrams that may be missing at once. With more of them all connections are asked for.
const MOST_MISSING: u32 = 4096;

/// The first and the last number of missing datagrams.
type Range = (u32, u32);

/// The missing datagrams of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The number of the next datagram.
    next: u32,
    missing: [Option<Range>; MOST_RANGES],
    /// Whether so many are missing that only all connections help.
    is_lost: bool,
}

impl Window {
    /// A stream of which the next datagram has this number.
    pub const fn new(next: u32) -> Self {
        Self {
            next,
            missing: [None; MOST_RANGES],
            is_lost: false,
        }
    }

    /// Whether so many datagrams are missing, or so scattered ones, that all connections must be asked for.
    pub const fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// The missing datagrams: the first and the last number of each range.
    pub fn missing(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.missing.iter().copied().flatten()
    }

    /// A datagram with this number has come.
    pub fn came(&mut self, number: u32) {
        match distance(self.next, number) {
            Some(_) => {
                self.sent(number.wrapping_sub(1));
                self.next = number.wrapping_add(1);
            }
            None => self.take_out(number),
        }
    }

    /// All datagrams up to this number were sent.
    pub fn sent(&mut self, last: u32) {
        let Some(more) = distance(self.next, last) else {
            return;
        };
        let range = (self.next, last);
        self.next = last.wrapping_add(1);
        self.add(range);
        let kept = self.missing().fold(0_u32, |sum, (first, last)| {
            sum.saturating_add(last.wrapping_sub(first).saturating_add(1))
        });
        if more >= MOST_MISSING || kept > MOST_MISSING {
            self.give_up();
        }
    }

    /// Nothing is missing any more: the datagrams cannot be had, and all connections are asked for.
    pub fn give_up(&mut self) {
        self.missing = [None; MOST_RANGES];
        self.is_lost = true;
    }

    fn add(&mut self, range: Range) {
        match self.missing.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(range),
            None => self.give_up(),
        }
    }

    fn take_out(&mut self, number: u32) {
        let contains =
            |&(first, last): &Range| number.wrapping_sub(first) <= last.wrapping_sub(first);
        let mut places = self.missing.iter_mut();
        let Some(place) = places.find(|place| place.as_ref().is_some_and(contains)) else {
            return;
        };
        let Some((first, last)) = place.take() else {
            return;
        };
        if number != first {
            *place = Some((first, number.wrapping_sub(1)));
        }
        if number != last {
            self.add((number.wrapping_add(1), last));
        }
    }
}

/// The distance from one number to another that is not behind it.
fn distance(from: u32, to: u32) -> Option<u32> {
    let distance = to.wrapping_sub(from);
    (distance < 1 << 31).then_some(distance)
}
