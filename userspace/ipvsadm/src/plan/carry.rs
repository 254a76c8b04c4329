// SPDX-License-Identifier: GPL-2.0

//! Steps carried out one after the other, or undone.

use std::collections::HashSet;

use ipvs_netlink::{Errno, Failure, Request};

use super::Step;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was done.
    Done,
    /// A change was refused, and so all others were undone.
    Refused {
        /// The first that was refused.
        change: Request,
        /// The error number.
        errno: Errno,
        /// The kernel's own reason.
        why: Option<String>,
        /// So many could not be undone.
        left: usize,
    },
}

/// Carries out all steps by `execute`, which makes changes in their order and tells which were
/// refused; if one is, those made are undone. Nothing is removed before all that is new is there.
///
/// # Errors
///
/// Those of `execute`, after which it is not known what was done.
pub fn carry_out<E>(
    steps: &[Step],
    mut execute: impl FnMut(&[Request]) -> Result<Vec<Failure>, E>,
) -> Result<Outcome, E> {
    let mut made: Vec<&Step> = Vec::new();
    for part in steps.chunk_by(|one, other| one.removes() == other.removes()) {
        let changes: Vec<Request> = part.iter().map(|step| step.change).collect();
        let failures = execute(&changes)?;
        let refused: HashSet<usize> = failures.iter().map(|failure| failure.index).collect();
        let done = part
            .iter()
            .enumerate()
            .filter(|(index, _)| !refused.contains(index));
        made.extend(done.map(|(_, step)| step));
        let first = failures.iter().min_by_key(|failure| failure.index);
        if let Some((failure, change)) = first.and_then(|one| Some((one, changes.get(one.index)?)))
        {
            let undo: Vec<Request> = made
                .iter()
                .rev()
                .flat_map(|step| step.undo.iter().copied())
                .collect();
            return Ok(Outcome::Refused {
                change: *change,
                errno: failure.errno,
                why: failure.why.clone(),
                left: execute(&undo)?.len(),
            });
        }
    }
    Ok(Outcome::Done)
}
