// SPDX-License-Identifier: GPL-2.0

//! `ipvsadm-save`: shows the table as rules.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    ipvsadm::program::save().into()
}
