// SPDX-License-Identifier: GPL-2.0

//! Saved connections in a request, and what became of them in its answer.

use crate::config::{
    reply::{AttributeSink, Full},
    Error,
};
use crate::nla::{Iter, NESTED};
use crate::sync::Event;
use crate::uapi::additions::{outcome, top};

/// The datagram in what follows the generic netlink header.
///
/// # Errors
///
/// [`Error::Missing`].
pub fn entries(bytes: &[u8]) -> Result<&[u8], Error> {
    let mut found = Iter::new(bytes).filter(|(kind, _)| *kind == top::ENTRIES);
    let (_, datagram) = found.next().ok_or(Error::Missing)?;
    Ok(datagram)
}

/// The length of the longest name of an effect, in bytes.
const NAME_MAX: usize = 18;

/// How many entries had which effect.
#[derive(Clone, Debug)]
pub struct Outcomes([u32; Event::ALL.len()]);

impl Default for Outcomes {
    fn default() -> Self {
        Self([0; Event::ALL.len()])
    }
}

impl Outcomes {
    /// Counts the effect of an entry.
    pub fn count(&mut self, event: Event) {
        // CAST: The type of the enum is usize.
        if let Some(count) = self.0.get_mut(event as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds a nest for each effect that an entry had.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub fn put<S: AttributeSink>(&self, sink: &mut S) -> Result<(), Full> {
        for (event, &count) in Event::ALL.iter().zip(&self.0) {
            if count == 0 {
                continue;
            }
            let mut name = [0; NAME_MAX + 1];
            let bytes = event.name().bytes();
            let length = name
                .iter_mut()
                .zip(bytes)
                .map(|(to, byte)| *to = byte)
                .count();
            sink.nest(top::OUTCOME | NESTED, |sink| {
                sink.put(outcome::NAME, name.get(..=length).unwrap_or(&name))?;
                sink.put_u32(outcome::COUNT, count)
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_effect_has_a_name_that_fits() {
        for event in Event::ALL {
            assert!(event.name().len() <= NAME_MAX, "{event:?}");
        }
    }

    #[test]
    fn only_a_datagram_is_looked_for() {
        let attribute = |kind: u16, data: &[u8]| {
            let mut bytes = (4 + data.len() as u16).to_ne_bytes().to_vec();
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(data);
            bytes
        };
        let both = [attribute(17, &[1; 4]), attribute(top::ENTRIES, b"datagram")].concat();
        assert_eq!(entries(&both), Ok(&b"datagram"[..]));
        assert_eq!(entries(&attribute(17, &[1; 4])), Err(Error::Missing));
        assert_eq!(entries(&[]), Err(Error::Missing));
    }
}
