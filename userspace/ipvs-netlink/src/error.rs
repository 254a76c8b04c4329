// SPDX-License-Identifier: GPL-2.0

//! What can go wrong.

use std::fmt;
use std::io;

/// An error number of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Errno(pub i32);

impl Errno {
    /// Not permitted.
    pub const EPERM: Self = Self(1);
    /// No such entry: a server, a scheduler, a persistence engine, a netlink family.
    pub const ENOENT: Self = Self(2);
    /// No such service or daemon.
    pub const ESRCH: Self = Self(3);
    /// No memory.
    pub const ENOMEM: Self = Self(12);
    /// Exists already.
    pub const EEXIST: Self = Self(17);
    /// Not valid.
    pub const EINVAL: Self = Self(22);
    /// The message is longer than the socket takes.
    pub const EMSGSIZE: Self = Self(90);
    /// Protocol not available: the module is unloading, or too old.
    pub const ENOPROTOOPT: Self = Self(92);
    /// This kernel has no such command.
    pub const EOPNOTSUPP: Self = Self(95);
    /// What was to be read was lost for want of room.
    pub const ENOBUFS: Self = Self(105);
    /// This kernel does not balance this address family.
    pub const EAFNOSUPPORT: Self = Self(97);
}

impl fmt::Display for Errno {
    /// The words of the C library.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = io::Error::from_raw_os_error(self.0).to_string();
        let suffix = format!(" (os error {})", self.0);
        f.write_str(text.strip_suffix(&suffix).unwrap_or(&text))
    }
}

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The socket does not work.
    Socket(io::Error),
    /// The kernel refused.
    Kernel(Errno),
    /// The kernel refused, and told why; see [`Client::replace`](crate::Client::replace).
    Refused {
        /// The error number.
        errno: Errno,
        /// What is wrong, in the kernel's words.
        why: String,
    },
    /// The kernel has no IPVS: the module is not loaded, and could not be.
    NoFamily,
    /// The kernel said something that is not understood.
    Malformed(&'static str),
}

impl Error {
    /// What the kernel refused, perhaps with its words.
    pub(crate) fn refused(errno: Errno, why: Option<String>) -> Self {
        match why {
            Some(why) => Self::Refused { errno, why },
            None => Self::Kernel(errno),
        }
    }

    /// The error number, if the kernel gave one.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Kernel(errno) | Self::Refused { errno, .. } => Some(*errno),
            Self::Socket(error) => error.raw_os_error().map(Errno),
            Self::NoFamily => Some(Errno::ENOENT),
            Self::Malformed(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => write!(f, "netlink socket: {error}"),
            Self::Kernel(errno) => errno.fmt(f),
            Self::Refused { errno, why } => write!(f, "{errno}: {why}"),
            Self::NoFamily => f.write_str("the kernel has no IPVS"),
            Self::Malformed(what) => write!(f, "the kernel's answer has {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_have_the_words_of_the_c_library() {
        assert_eq!(Errno(34).to_string(), "Numerical result out of range");
        assert_eq!(Errno(19).to_string(), "No such device");
    }
}
