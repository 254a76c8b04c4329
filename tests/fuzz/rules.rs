// SPDX-License-Identifier: GPL-2.0

//! Rules of the tool.

use ipvs_netlink::uapi::service_flags;
use ipvs_netlink::{Name, Request, ServiceSettings};
use ipvsadm::command::Command;
use ipvsadm::names::{Names, Services};
use ipvsadm::{print, restore};

/// A rule that is made of a command of services or servers is that command.
pub fn same_rule(command: &Command, services: &Services) {
    let Command::Change(request, asked) = command else {
        return;
    };
    let mut request = *request;
    if let Request::AddService(key, settings) | Request::EditService(key, settings) = &mut request {
        // A rule names the clients only where they are persistent.
        if !settings.has(service_flags::PERSISTENT) {
            settings.netmask = ServiceSettings::single_clients(key.family());
        }
    }
    let cannot_be = |name: &Name| {
        let bytes = name.as_bytes();
        bytes.starts_with(b"#") || !bytes.iter().all(u8::is_ascii_graphic)
    };
    if names(&request).any(|name| cannot_be(&name)) {
        return;
    }
    let rule = print::rules::request(&Names::new(true), &request);
    if !rule.is_empty() {
        let found = restore::parse_line("ipvsadm", &rule, services);
        let same = Command::Change(request, *asked);
        assert_eq!(found, Ok(Some(same)), "{rule}");
    }
}

/// The names in a request: the kernel has neither schedulers nor devices with blanks in theirs, or with what begins a comment, so that no
/// rule has such names.
fn names(request: &Request) -> impl Iterator<Item = Name> {
    let names = match request {
        Request::AddService(_, settings) | Request::EditService(_, settings) => {
            [settings.scheduler, settings.pe]
        }
        Request::StartDaemon(settings) => [Some(settings.interface), None],
        _ => [None, None],
    };
    names.into_iter().flatten()
}
