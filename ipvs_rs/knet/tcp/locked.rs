// SPDX-License-Identifier: GPL-2.0

//! One or two streams that are locked in a bottom half.

use core::marker::PhantomData;
use ipvs_sys as bindings;
use kernel::{prelude::*, types::NotThreadSafe};

use super::{Owner, Stream};
use crate::work::BottomHalf;

/// Which of two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first one.
    Near,
    /// The other one.
    Far,
}

/// What is so about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts(u32);

impl Facts {
    /// There are bytes to read.
    pub fn has_bytes(self) -> bool {
        self.0 & bindings::TCP_FACT_BYTES != 0
    }

    /// There are no bytes to read, and will be none: the peer has said FIN.
    pub fn is_end(self) -> bool {
        self.0 & bindings::TCP_FACT_END != 0
    }

    /// The peer has said FIN. There may still be bytes to read.
    pub fn is_fin(self) -> bool {
        self.0 & bindings::TCP_FACT_FIN != 0
    }

    /// There is room to send. Much of it: not each byte that the peer confirms makes it so.
    pub fn has_room(self) -> bool {
        self.0 & bindings::TCP_FACT_ROOM != 0
    }

    /// The connection was reset, or has an error. There may still be bytes to read.
    pub fn is_broken(self) -> bool {
        self.0 & bindings::TCP_FACT_BROKEN != 0
    }

    /// The connection was made. It may have ended in a direction since, or both.
    pub fn is_connected(self) -> bool {
        self.0 & bindings::TCP_FACT_CONNECTED != 0
    }

    /// There is no connection any more, or there never was one.
    pub fn is_closed(self) -> bool {
        self.0 & bindings::TCP_FACT_CLOSED != 0
    }
}

/// Why no more bytes were moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All that were asked for were, or all that were there.
    Done,
    /// There is no room, or no memory; see [`Locked::want_room`].
    Full,
    /// The connection cannot be sent to.
    Failed,
}

/// How many bytes were moved, and why no more.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// The number.
    pub bytes: usize,
    /// The reason.
    pub stop: Stop,
    /// Whether there are bytes left, an end or a FIN where they came from. Nothing is said of it behind a [`Stop`] but [`Stop::Done`].
    pub left: Facts,
}

/// How many bytes were sent, and why no more.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The number.
    pub bytes: usize,
    /// The reason.
    pub stop: Stop,
}

/// One or two streams whose locks are held, in a bottom half.
///
/// # Invariants
///
/// The locks of `near`, and of `far` if that is not null, are held by this CPU, no process owns the sockets, and they stay open
/// for `'a`.
pub struct Locked<'a> {
    near: *mut bindings::sock,
    far: *mut bindings::sock,
    _streams: PhantomData<&'a BottomHalf>,
    _cpu: NotThreadSafe,
}

impl<'a> Locked<'a> {
    /// Locks one or two streams. Two callers with the same two streams do not wait for each other, whatever their order.
    ///
    /// # Errors
    ///
    /// `EBUSY` if a process does something with one of them now, for which a bottom half does not wait; `EINVAL` if both are the
    /// same.
    pub fn lock<T: Owner, U: Owner>(
        near: &'a Stream<T>,
        far: Option<&'a Stream<U>>,
        _context: &'a BottomHalf,
    ) -> Result<Self> {
        let near = near.sk();
        let far = far.map_or(core::ptr::null_mut(), Stream::sk);
        if core::ptr::eq(near, far) {
            return Err(EINVAL);
        }
        // SAFETY: Both are there as long as the streams are, and bottom halves are off.
        match unsafe { bindings::tcp_lock(near, far) } {
            // INVARIANT: They were just locked.
            true => Ok(Self {
                near,
                far,
                _streams: PhantomData,
                _cpu: NotThreadSafe,
            }),
            false => Err(EBUSY),
        }
    }

    /// The socket of a stream.
    fn of(&self, which: Which) -> Option<*mut bindings::sock> {
        match which {
            Which::Near => Some(self.near),
            Which::Far => (!self.far.is_null()).then_some(self.far),
        }
    }

    /// What is so about a stream; [`None`] if there is no such one. Urgent data become data like others.
    pub fn facts(&mut self, which: Which) -> Option<Facts> {
        // SAFETY: The socket is locked.
        let of = |sk| Facts(unsafe { bindings::tcp_facts(sk) });
        self.of(which).map(of)
    }

    /// Copies bytes that a stream has received into `buffer`, from the first one on, and leaves them there. Returns their number.
    pub fn peek(&mut self, which: Which, buffer: &mut [u8]) -> usize {
        let Some(sk) = self.of(which) else {
            return 0;
        };
        // SAFETY: The socket is locked, and C writes as many bytes as the buffer has.
        unsafe { bindings::tcp_peek(sk, buffer.as_mut_ptr().cast(), buffer.len()) }
    }

    /// Takes at most `limit` bytes that a stream has received, and drops them. Returns their number.
    pub fn discard(&mut self, which: Which, limit: usize) -> usize {
        let Some(sk) = self.of(which) else {
            return 0;
        };
        // SAFETY: The socket is locked.
        unsafe { bindings::tcp_drop(sk, limit) }
    }

    /// Sends at most `limit` bytes that a stream has received by the other one. Pages are passed on as they are, and not
    /// copied, but for segments of up to `copy_max` bytes.
    ///
    /// With `passes_fin` the caller says FIN at once when the peer has said it and fewer bytes than `limit` were left to move: the last
    /// of them wait for it, and go in one segment with it.
    pub fn splice(
        &mut self,
        from: Which,
        limit: usize,
        copy_max: usize,
        passes_fin: bool,
    ) -> Moved {
        let to = match from {
            Which::Near => Which::Far,
            Which::Far => Which::Near,
        };
        let (Some(from), Some(to)) = (self.of(from), self.of(to)) else {
            return FAILED;
        };
        let (mut error, mut left) = (0, 0);
        // SAFETY: Both sockets are locked, and C writes to `error` and `left`.
        let bytes = unsafe {
            bindings::tcp_move(
                from,
                to,
                limit,
                copy_max,
                passes_fin,
                &raw mut error,
                &raw mut left,
            )
        };
        let (stop, left) = (stop(error), Facts(left));
        Moved { bytes, stop, left }
    }

    /// Sends bytes by a stream. `has_more` says that more follow at once, so that a short segment waits for these.
    pub fn send(&mut self, which: Which, bytes: &[u8], has_more: bool) -> Sent {
        let Some(sk) = self.of(which) else {
            return Sent {
                bytes: 0,
                stop: Stop::Failed,
            };
        };
        let mut sent = 0_usize;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            // SAFETY: The socket is locked, and C reads so many bytes.
            let outcome =
                unsafe { bindings::tcp_send(sk, rest.as_ptr().cast(), rest.len(), has_more) };
            match usize::try_from(outcome) {
                Ok(count) => sent = sent.saturating_add(count),
                Err(_) => {
                    return Sent {
                        bytes: sent,
                        stop: stop(outcome),
                    };
                }
            }
            if outcome == 0 {
                return Sent {
                    bytes: sent,
                    stop: Stop::Full,
                };
            }
        }
        Sent {
            bytes: sent,
            stop: Stop::Done,
        }
    }

    /// Lets the owner of a stream be woken when there is room to send.
    ///
    /// Returns whether there is room now. If it is so behind [`Stop::Full`], it was memory that was short, and nobody is woken.
    pub fn want_room(&mut self, which: Which) -> bool {
        let Some(sk) = self.of(which) else {
            return false;
        };
        // SAFETY: The socket is locked.
        unsafe { bindings::tcp_want_room(sk) }
    }

    /// Lets a stream send its ACKs at once from now on, as a stream does by itself unless the ACK of its first bytes
    /// ([`Options::defer_seconds`](super::Options)) or of the handshake ([`Stream::connect`]) was to wait for bytes to go with. What it
    /// owes is sent.
    pub fn hurry(&mut self, which: Which) {
        if let Some(sk) = self.of(which) {
            // SAFETY: The socket is locked.
            unsafe { bindings::tcp_hurry(sk) };
        }
    }

    /// Says FIN: nothing more is sent by a stream.
    pub fn close_write(&mut self, which: Which) {
        if let Some(sk) = self.of(which) {
            // SAFETY: The socket is locked.
            unsafe { bindings::tcp_close_write(sk) };
        }
    }

    /// Lets the drop of a stream reset the connection.
    pub fn reset_on_drop(&mut self, which: Which) {
        if let Some(sk) = self.of(which) {
            // SAFETY: The socket is locked.
            unsafe { bindings::tcp_reset_on_release(sk) };
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariant both are locked.
        unsafe { bindings::tcp_unlock(self.near, self.far) };
    }
}

/// What comes of a stream that is not there.
const FAILED: Moved = Moved {
    bytes: 0,
    stop: Stop::Failed,
    left: Facts(0),
};

/// The reason behind an error number of C.
fn stop(error: c_int) -> Stop {
    match error {
        0 => Stop::Done,
        _ if error == EAGAIN.to_errno() || error == ENOMEM.to_errno() => Stop::Full,
        _ => Stop::Failed,
    }
}
