// SPDX-License-Identifier: GPL-2.0

//! What is said when something goes wrong: the sentence of 1.31 where it has one.

use std::fmt;

use ipvs_netlink::{Errno, Error as NetlinkError};

use crate::exit_code::ExitCode;

/// A message for standard error, and the status that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is said, without the last line's end.
    pub message: String,
    /// The status.
    pub code: ExitCode,
    /// Whether a restore goes on after it, as 1.31 does.
    pub goes_on: bool,
}

impl Failure {
    /// What was typed has no meaning.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: ExitCode::Usage,
            goes_on: false,
        }
    }

    /// An option was not understood.
    pub fn option(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            code: ExitCode::Failure,
            goes_on: true,
        }
    }

    /// No command was understood.
    pub fn try_help(program: &str) -> Self {
        Self {
            message: format!("Try `{program} -h' or '{program} --help' for more information."),
            code: ExitCode::Failure,
            goes_on: false,
        }
    }

    /// The same with a remark in parentheses behind the sentence of 1.31: what was typed, and what would be right.
    #[must_use]
    pub fn with(mut self, remark: impl fmt::Display) -> Self {
        self.message = format!("{} ({remark})", self.message);
        self
    }

    /// The same with a remark, if there is one.
    #[must_use]
    pub fn with_any(self, remark: Option<String>) -> Self {
        match remark {
            Some(remark) => self.with(remark),
            None => self,
        }
    }

    /// The kernel refused a change.
    pub fn kernel(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: ExitCode::Failure,
            goes_on: true,
        }
    }

    /// A listing could not be made.
    pub fn listing(error: &NetlinkError) -> Self {
        Self {
            message: sentence(Asked::List, error),
            code: ExitCode::Listing,
            goes_on: true,
        }
    }

    /// Something outside of IPVS went wrong: a file, the terminal.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        Self {
            message: format!("{what}: {error}"),
            code: ExitCode::Failure,
            goes_on: false,
        }
    }

    /// There is no IPVS to talk to.
    pub fn no_ipvs(error: &NetlinkError) -> Self {
        let reason = match error {
            NetlinkError::NoFamily => Errno::ENOPROTOOPT,
            other => other.errno().unwrap_or(Errno::EINVAL),
        };
        Self {
            message: format!(
                "Can't initialize ipvs: {}\nAre you sure that IP Virtual Server is built in the kernel or as module?",
                words(Asked::List, reason)
            ),
            code: ExitCode::Usage,
            goes_on: false,
        }
    }
}

/// What was asked of the kernel: the same number means something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To add a service.
    AddService,
    /// To edit, delete or zero one.
    Service,
    /// To add a server.
    AddServer,
    /// To edit or delete a server.
    Server,
    /// To start a daemon.
    StartDaemon,
    /// To stop a daemon.
    StopDaemon,
    /// To list.
    List,
    /// Something else.
    Other,
}

/// The sentence for an error.
pub fn sentence(asked: Asked, error: &NetlinkError) -> String {
    match (error.errno(), error) {
        (Some(errno), NetlinkError::Refused { why, .. }) => told(asked, errno, Some(why)),
        (Some(errno), _) => words(asked, errno),
        (None, _) => error.to_string(),
    }
}

/// The sentence for an error number, with the kernel's own reason behind it, if there is one.
pub fn told(asked: Asked, errno: Errno, why: Option<&str>) -> String {
    let sentence = words(asked, errno);
    match why {
        Some(why) => format!("{sentence} (kernel: {why})"),
        None => sentence,
    }
}

/// The sentence for an error number.
pub fn words(asked: Asked, errno: Errno) -> String {
    use Asked as A;
    let known = match (asked, errno) {
        (A::AddService, Errno::EEXIST) => "Service already exists",
        (A::AddService | A::Service, Errno::ENOENT) => "Scheduler or persistence engine not found",
        (A::AddService | A::Service | A::List, Errno::ESRCH) => "No such service",
        (A::AddServer | A::Server, Errno::ESRCH) => "Service not defined",
        (A::AddServer, Errno::EEXIST) => "Destination already exists",
        (A::AddServer | A::Server, Errno::ENOENT) => "No such destination",
        (A::StartDaemon, Errno::EEXIST) => "Daemon has already run",
        (A::StopDaemon, Errno::ESRCH) => "No daemon is running",
        (A::StartDaemon, Errno::EOPNOTSUPP) => "The kernel's IPVS has no synchronisation daemon",
        (_, Errno::EPERM) => "Permission denied (you must be root)",
        (_, Errno::EINVAL) => {
            "Invalid operation.  Possibly wrong module version, address not unicast, ..."
        }
        (_, Errno::ENOPROTOOPT) => "Protocol not available",
        (_, Errno::ENOMEM) => "Memory allocation problem",
        (_, Errno::EOPNOTSUPP) => "The kernel's IPVS has no such command",
        (_, Errno::EAFNOSUPPORT) => "Operation not supported with specified address family",
        _ => return errno.to_string(),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_supported_is_named() {
        let said = |asked| words(asked, Errno::EOPNOTSUPP);
        assert_eq!(
            said(Asked::StartDaemon),
            "The kernel's IPVS has no synchronisation daemon"
        );
        let other = "The kernel's IPVS has no such command";
        assert_eq!(said(Asked::AddService), other);
    }
}
