// SPDX-License-Identifier: GPL-2.0

//! Why nothing was done, and what the process ends with.

use ipvs_netlink::{Errno, Error};

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is said on standard error.
    pub message: String,
    /// The status of the process: 2 for what was typed and for a kernel without the module, 1 for a configuration file, 255 for
    /// no command and for what the kernel has refused.
    pub status: u8,
}

impl Failure {
    /// What was typed has no meaning.
    pub fn usage(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { message, status: 2 }
    }

    /// There is no such command.
    pub fn unknown_command() -> Self {
        Self {
            message: "Try `tcpvsadm -h' for more information.".to_owned(),
            status: 255,
        }
    }

    /// A configuration file is not as it should be.
    pub fn file(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { message, status: 1 }
    }
}

/// What a command was about, as the same error number has other words then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A service.
    Service,
    /// A server of a service.
    Server,
    /// A rule.
    Rule,
    /// Anything else.
    Other,
}

const EBUSY: Errno = Errno(16);
const ESHUTDOWN: Errno = Errno(108);

/// What the kernel has refused.
pub fn refused(error: Error, about: About) -> Failure {
    if matches!(error, Error::NoFamily) {
        return Failure::usage("The ktcpvs module not loaded");
    }
    let why = match &error {
        Error::Refused { why, .. } => Some(why.clone()),
        _ => None,
    };
    let words = match (error.errno(), about) {
        (Some(Errno::EPERM), _) => "Permission denied (you must be root)",
        // Of a whole file the kernel says what is there twice.
        (Some(Errno::EEXIST), About::Other) if why.is_some() => "",
        (Some(Errno::EEXIST), About::Server) => "Destination already exists",
        (Some(Errno::EEXIST), About::Rule) => "Rule already exists",
        (Some(Errno::EEXIST), _) => "Service already exists",
        (Some(Errno::ENOENT), About::Server) => "No such destination",
        (Some(Errno::ENOENT), About::Rule) if why.is_none() => "No such destination",
        (Some(Errno::ENOENT), About::Rule) => "No such rule",
        (Some(Errno::ENOENT), _) => "Scheduler not found",
        (Some(Errno::ESRCH), About::Server) => "Service not defined",
        (Some(Errno::ESRCH), _) => "No such service",
        (Some(EBUSY), About::Server) => "Destination is busy",
        (Some(EBUSY), _) => "Service is running",
        (Some(ESHUTDOWN), _) => "The module is being unloaded",
        (Some(Errno::ENOMEM), _) => "Memory allocation problem",
        _ => "",
    };
    let message = match (words, why) {
        ("", Some(why)) => why,
        ("", None) => error.to_string(),
        (words, _) => words.to_owned(),
    };
    Failure {
        message,
        status: 255,
    }
}
