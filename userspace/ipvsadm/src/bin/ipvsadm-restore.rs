// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm-restore`: replaces the table by rules from standard input.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    ipvsadm::program::restore().into()
}
