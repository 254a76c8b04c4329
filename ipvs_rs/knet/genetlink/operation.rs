// SPDX-License-Identifier: GPL-2.0

//! The answer of a family to one command.

use ipvs_sys as bindings;

use super::{dump, request, Do, Dump, Policy};

/// How a family answers one command.
#[repr(transparent)]
pub struct Operation(bindings::genl_ops);

impl Operation {
    /// A command that nobody answers yet.
    pub const fn new(command: u8) -> Self {
        Self(bindings::genl_ops {
            cmd: command,
            ..pin_init::zeroed()
        })
    }

    /// `H` answers a request for this command.
    pub const fn doit<H: Do>(mut self) -> Self {
        self.0.doit = Some(request::run_callback::<H>);
        self
    }

    /// `H` answers a request to dump.
    pub const fn dumpit<H: Dump>(mut self) -> Self {
        self.0.start = Some(dump::start_callback);
        self.0.dumpit = Some(dump::run_callback::<H>);
        self.0.done = Some(dump::end_callback::<H>);
        self
    }

    /// Only for callers with `CAP_NET_ADMIN` in the initial user namespace.
    pub const fn admin_perm(mut self) -> Self {
        // CAST: The constant is 1.
        self.0.flags |= bindings::GENL_ADMIN_PERM as u8;
        self
    }

    /// Unknown attributes are ignored and too long integers accepted, as was the rule until
    /// Linux 5.2; a request to dump is not checked at all.
    pub const fn liberal(mut self) -> Self {
        let validate = bindings::genl_validate_flags_GENL_DONT_VALIDATE_STRICT
            | bindings::genl_validate_flags_GENL_DONT_VALIDATE_DUMP;
        // CAST: The constants are 1 and 2.
        self.0.validate |= validate as u8;
        self
    }

    /// What the attributes of this command must look like, instead of what the family says.
    // Inlined, so that what the compiler does with it does not remain as a function.
    #[inline]
    pub const fn policy(mut self, policy: &'static [Policy]) -> Self {
        assert!(!policy.is_empty());
        // CAST: `Policy` is transparent; the C core only reads it.
        self.0.policy = policy.as_ptr().cast();
        self.0.maxattr = policy.len() as u32 - 1;
        self
    }
}
