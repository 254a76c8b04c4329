// SPDX-License-Identifier: GPL-2.0

//! Classes of bytes: those that no instruction tells apart.

use super::program::{Code, Op};

/// The class of each byte.
#[derive(Clone, Copy, Debug)]
pub struct Classes {
    of: [u8; 256],
    /// The number of the last class.
    last: u8,
}

impl Default for Classes {
    fn default() -> Self {
        Self {
            of: [0; 256],
            last: 0,
        }
    }
}

impl Classes {
    /// The class of a byte.
    #[inline]
    pub(super) fn of(&self, byte: u8) -> u8 {
        self.of.get(usize::from(byte)).copied().unwrap_or(0)
    }

    /// The number of classes, 1 to 256.
    #[inline]
    pub fn count(&self) -> usize {
        usize::from(self.last).wrapping_add(1)
    }

    /// A byte of each class, in the order of the classes, up to [`count`](Self::count).
    pub(super) fn samples(&self) -> [u8; 256] {
        let mut samples = [0; 256];
        for byte in (0..=u8::MAX).rev() {
            if let Some(sample) = samples.get_mut(usize::from(self.of(byte))) {
                *sample = byte;
            }
        }
        samples
    }

    /// Computes the classes of a program.
    pub(super) fn compute(&mut self, code: Code<'_>) {
        *self = Self::default();
        for set in code.sets {
            self.divide(|byte| set.has(byte));
        }
        let mut is_done = [false; 256];
        for op in code.ops {
            if let Op::Byte(own) = *op {
                let done = is_done.get_mut(usize::from(own));
                if done.is_some_and(|done| !core::mem::replace(done, true)) {
                    self.divide(|byte| byte == own);
                }
            }
        }
    }

    /// Divides each class of which some bytes are in a set and some are not.
    fn divide(&mut self, is_in: impl Fn(u8) -> bool) {
        // For each class: whether it has bytes outside the set, and the class of those inside.
        let (mut has_others, mut inside) = ([false; 256], [None; 256]);
        for byte in 0..=u8::MAX {
            if let Some(others) = has_others.get_mut(usize::from(self.of(byte))) {
                *others |= !is_in(byte);
            }
        }
        for (byte, class) in (0..=u8::MAX).zip(&mut self.of) {
            let index = usize::from(*class);
            let has_others = has_others.get(index).is_some_and(|it| *it);
            if let (true, true, Some(inside)) = (is_in(byte), has_others, inside.get_mut(index)) {
                // There are at most as many classes as bytes, so the number does not overflow.
                *class = *inside.get_or_insert_with(|| {
                    self.last = self.last.wrapping_add(1);
                    self.last
                });
            }
        }
    }
}
