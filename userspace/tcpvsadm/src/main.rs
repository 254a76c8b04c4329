// SPDX-License-Identifier: GPL-2.0

//! `tcpvsadm`: administers KTCPVS.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    tcpvsadm::program::run()
}
