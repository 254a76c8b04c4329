// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm`: administers IPVS.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    ipvsadm::program::ipvsadm().into()
}
