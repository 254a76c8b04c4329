// SPDX-License-Identifier: GPL-2.0

//! `tcpvsadm-docs FOLDER`: writes the manual and the completions, which `make install` installs.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: tcpvsadm-docs FOLDER");
        return 2.into();
    };
    match tcpvsadm::docs::write(folder.as_ref()) {
        Ok(()) => 0.into(),
        Err(error) => {
            eprintln!("tcpvsadm-docs: {error}");
            1.into()
        }
    }
}
