// SPDX-License-Identifier: GPL-2.0

//! Who made a change: the process that has the socket with a netlink port.

use std::fmt;
use std::fs;

use serde::Serialize;

/// Where the kernel lists netlink sockets.
const SOCKETS: &str = "/proc/net/netlink";
/// The number of generic netlink in that list.
const GENERIC: &str = "16";

/// The origin of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Author {
    /// The netlink port; 0 if the change was not asked for by netlink.
    pub port: u32,
    /// The process, if it is there still and this program may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// What the process is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
}

impl Author {
    /// Looks for the owner of a port. A process that has ended is not found.
    pub fn of(port: u32) -> Self {
        let sockets = fs::read_to_string(SOCKETS).unwrap_or_default();
        let pid = inode(&sockets, port).and_then(owner);
        let program = pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).ok());
        Self {
            port,
            pid,
            program: program.map(|name| name.trim_end().to_owned()),
        }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.port, &self.program, self.pid) {
            (0, ..) => f.write_str("not by netlink"),
            (port, Some(program), Some(pid)) => write!(f, "{program}[{pid}] port {port}"),
            (port, ..) => write!(f, "port {port}, which is closed"),
        }
    }
}

/// The inode of the socket of generic netlink with this port: the lines have
/// `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`, of which `Pid` is the port.
fn inode(sockets: &str, port: u32) -> Option<u64> {
    sockets.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_it = fields.get(1) == Some(&GENERIC)
            && fields.get(2).and_then(|field| field.parse().ok()) == Some(port);
        is_it.then(|| fields.get(9)?.parse().ok())?
    })
}

/// A process that has the socket with this inode.
fn owner(inode: u64) -> Option<u32> {
    let wanted = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter_map(|process| Some((process.file_name().to_str()?.parse().ok()?, process.path())))
        .find_map(|(pid, path): (u32, _)| {
            let mut files = fs::read_dir(path.join("fd")).ok()?.flatten();
            let has = files.any(|file| {
                fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == wanted.as_str())
            });
            has.then_some(pid)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_among_sockets() {
        let seen = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n\
                    0000000000000000 0   812        00000000 0        0        0     2        0        1001\n\
                    0000000000000000 16  812        00000002 0        0        0     2        0        1002\n\
                    0000000000000000 16  4026531    00000000 0        0        0     2        0        1003\n";
        assert_eq!(inode(seen, 812), Some(1002));
        assert_eq!(inode(seen, 4_026_531), Some(1003));
        assert_eq!(inode(seen, 7), None);
        assert_eq!(inode("", 7), None);
    }

    #[test]
    fn who_is_gone_is_said_to_be_gone() {
        let author = |port, pid| Author {
            port,
            pid,
            program: pid.map(|_| "keepalived".to_owned()),
        };
        assert_eq!(
            author(812, Some(812)).to_string(),
            "keepalived[812] port 812"
        );
        assert_eq!(author(812, None).to_string(), "port 812, which is closed");
        assert_eq!(author(0, None).to_string(), "not by netlink");
    }
}
