# SPDX-License-Identifier: GPL-2.0
"""The commands that 1.31 lacks, on the kernel at hand: where it cannot, they say so; where it can, they do it."""

import json
import os
import subprocess
import time

import programs
from programs import OURS, run

OURS_ADDS = ("Rust",)


def kernel_adds():
    """Whether this kernel has the additions."""
    said = subprocess.run(["modinfo", "-F", "description", "ip_vs"], capture_output=True, text=True, check=True).stdout
    return any(word in said for word in OURS_ADDS)


def expect(what, condition, seen):
    """`ok` or `not ok`."""
    print(f"ok ipvsadm {what}" if condition else f"not ok ipvsadm {what}: {seen!r}", flush=True)
    return condition


RULES = ("-A -t 10.7.0.1:80 -s rr", "-a -t 10.7.0.1:80 -r 10.7.0.2:80 -m -w 1", "-d -t 10.7.0.1:80 -r 10.7.0.2:80", "-D -t 10.7.0.1:80")
# Back to what is the default.
SETTINGS = (("sloppy_tcp", "1"), ("sloppy_tcp", "0"), ("sync_threshold", "5 60"), ("sync_threshold", "3 50"))


def monitored():
    """What monitor shows of some changes; of settings only a kernel can tell."""
    settings = SETTINGS if kernel_adds() else ()
    count = len(RULES) + len(settings) if kernel_adds() else 40
    # Once for nothing: the first run reads the program from the host.
    run(OURS, ["-Ln"])
    command = [f"{OURS}/ipvsadm", "monitor", "--interval", "200", "--count", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        # Changes from its first look on are seen.
        time.sleep(2)
        for rule in RULES:
            run(programs.THEIRS, rule.split())
            time.sleep(0.7)
        for name, value in settings:
            with open(f"/proc/sys/net/ipv4/vs/{name}", "w", encoding="ascii") as file:
                file.write(value)
        return process.communicate()[0].splitlines()


def connections():
    """The lines of -Lnc without the time that is left."""
    return sorted(" ".join(word for number, word in enumerate(line.split()) if number != 1)
                  for line in run(OURS, ["-Lnc"])[1].splitlines()[2:])


def saved(adds):
    """Saves the connections, ends them and makes them again; files that are bad change nothing."""
    if not adds:
        said = run(OURS, ["conn", "save"])
        return expect("conn save says what lacks", said[:2] == [255, ""] and "cannot save connections" in said[2], said)
    before, path, good = connections(), "/tmp/saved", True
    said = run(OURS, ["conn", "save", path])
    good &= expect("conn save says how many", said[0] == 0 and said[1].endswith(" saved\n") and not said[2], said)
    with open(path, "rb") as file:
        data = file.read()
    line = data.split(b"\n")[0].decode()
    good &= expect("conn save writes a line first", line.startswith(f"IPVS connections, format 1, {len(before)} entries, "), line)
    with subprocess.Popen([f"{OURS}/ipvsadm", "conn", "save"], stdout=subprocess.PIPE) as process:
        # The time that is left may be another one.
        out = process.communicate()[0]
    good &= expect("conn save writes to standard output", out[:30] == data[:30] and len(out) == len(data), out[:100])
    said = run(OURS, ["conn", "save", "/nosuch/folder"])
    good &= expect("conn save says what is wrong with a file", said[0] == 255 and "No such file" in said[2], said)
    said = run(OURS, ["conn", "restore", path])
    good &= expect("conn restore leaves what is there", said == [0, "0 were restored\n" + (
        f"{len(before)} stay as they are: there are such connections already\n"), ""], said)
    run(OURS, ["conn", "flush", "--all"])
    for what, bad, reason in (("empty", b"", "it is empty"), ("cut", data[:-1], "it is cut off"), ("longer", data + b"x", "it is too long"),
                              ("changed", data[:-1] + bytes([data[-1] ^ 1]), "it was changed"), ("rules", b"-C\n", "does not hold saved"),
                              ("of later times", data.replace(b"format 1", b"format 2", 1), "it is of format 2")):
        said = run(OURS, ["conn", "restore"], bad)
        good &= expect(f"conn restore refuses a file that is {what}", said[:2] == [255, ""] and reason in said[2]
                       and "Nothing was restored." in said[2] and not connections(), said)
    said = run(OURS, ["conn", "restore"], data)
    good &= expect("conn restore makes connections again", said[0] == 0 and said[1].startswith(f"{len(before)} w")
                   and connections() == before, said)
    run(OURS, ["conn", "flush", "--all"])
    with open("/proc/sys/net/ipv4/vs/conn_max", "r+", encoding="ascii") as file:
        most = file.read()
        file.seek(0)
        file.write("1")
        file.flush()
        said = run(OURS, ["conn", "restore", path])
        good &= expect("conn restore says what was refused", said[:2] == [255, "1 was restored\n"] and said[2] ==
                       f"{len(before) - 1} refused: there are as many connections as net.ipv4.vs.conn_max allows\n", said)
        file.seek(0)
        file.write(most)
        file.flush()
    said = run(OURS, ["conn", "restore", path])
    good &= expect("conn restore can be repeated", said[0] == 0 and connections() == before, said)
    for words in (["!nobody", "conn", "save"], ["!nobody", "conn", "restore"]):
        said = run(OURS, words, data)
        good &= expect(f"{' '.join(words)} is refused", said[0] == 2 and "must be root" in said[2], said)
    return good


def synchronised(adds):
    """Keys and peers are set and shown; no secret is."""
    path, secret = "/tmp/key", "a secret that nobody guesses"
    with open(path, "w", encoding="ascii") as file:
        file.write(secret + "\n")
    said = run(OURS, ["sync", "keys", "--auth", "required", "--key", f"7:{path}", "--key", "8:-"], b"another one, of 32 bytes or so....")
    if not adds:
        return expect("sync keys says what lacks", said[:2] == [255, ""] and "knows neither keys nor peers" in said[2], said)
    good = expect("sync keys says nothing", said == [0, "", ""], said)
    said = run(OURS, ["sync", "peers", "10.9.9.1", "10.9.9.2"])
    good &= expect("sync peers says nothing", said == [0, "", ""], said)
    said = run(OURS, ["sync", "status"])
    lines = ["authentication required", "key 7 (signs)", "key 8", "peer 10.9.9.1", "peer 10.9.9.2"]
    good &= expect("sync status shows keys and peers", said[0] == 0 and said[1].splitlines()[:5] == lines, said)
    told = json.loads(run(OURS, ["-L", "--daemon", "--json"])[1])
    good &= expect("the daemons as JSON have the same", told["sync"]["keys"] == [7, 8] and told["sync"]["authentication"] == "required"
                   and told["sync"] == json.loads(run(OURS, ["sync", "status", "--json"])[1]), told)
    good &= expect("no listing has a secret", secret not in json.dumps(told) + said[1], told)
    for words, reason in ((["sync", "keys", "--auth", "off", "--key", f"1:{path}", "--key", f"1:{path}"], "two of one number"),
                          (["sync", "peers", "10.0.0.1", "fd00::1"], "not of one family"), (["sync", "peers", "224.0.0.81"], "not that of a host")):
        said = run(OURS, words)
        good &= expect(f"{' '.join(words[:2])} says why not: {reason}", said[:2] == [255, ""] and reason in said[2], said)
    said = [run(OURS, ["sync", what, "--none"]) for what in ("keys", "peers")]
    good &= expect("keys and peers are taken back", said == [[0, "", ""]] * 2, said)
    said = run(OURS, ["!nobody", "sync", "status"])
    return good & expect("sync status is refused to others", said[0] == 2 and "must be root" in said[2], said)


def filtered(listed):
    """Filters by state and prefix, and what a flush would end."""
    count = len(listed)
    good = True
    for words, expected in ((["--client", "10.0.0.0/8"], count), (["--client", "192.0.2.0/24"], 0), (["--server", "10.99.0.2/32"], count),
                            (["--state", "udp"], sum(one["state"] == "UDP" for one in listed))):
        found = json.loads(run(OURS, ["conn", "list", "--json", *words])[1])["connections"]
        good &= expect(f"conn list {' '.join(words)}", len(found) == expected, found)
    said = run(OURS, ["conn", "list", "--state", "ESTABLISHD"])
    good &= expect("conn list says which state is meant", said[0] == 2 and "did you mean `ESTABLISHED'?" in said[2], said)
    said = run(OURS, ["conn", "list", "-n"])
    good &= expect("conn list has no columns that are empty", "pe name" not in said[1], said)
    said = run(OURS, ["conn", "flush", "--all", "--dry-run"])
    left = run(OURS, ["-Lnc"])[1]
    good &= expect("conn flush --dry-run ends nothing", said[0] == 0 and said[1].endswith(f"{count} connections would be ended\n")
                   and len(left.splitlines()) - 2 == count, (count, said, left))
    return good


def beside_others():
    """A table is replaced beside services that others keep."""
    before = run(OURS, ["-S", "-n"])[1]
    rules = b"-A -t 10.7.0.8:80 -s rr # ours\n-a -t 10.7.0.8:80 -r 10.7.0.2:80 -m\n# no more\n"
    said = run(OURS, ["-R", "--dry-run", "--keep-others"], rules)
    good = expect("--dry-run --keep-others shows what is new", said[1].splitlines() == [
        "-A -t 10.7.0.8:80 -s rr", "-a -t 10.7.0.8:80 -r 10.7.0.2:80 -m -w 1"], said)
    said = run(OURS, ["-R", "--atomic", "--keep-others"], rules)
    after = run(OURS, ["-S", "-n"])[1]
    good &= expect("--atomic --keep-others leaves others alone", said[0] == 0 and set(before.splitlines()) < set(after.splitlines())
                   and "-A -t 10.7.0.8:80 -s rr" in after, (said, after))
    run(OURS, ["-D", "-t", "10.7.0.8:80"])
    said = run(OURS, ["-R", "--keep-others"], rules)
    return good & expect("--keep-others alone is refused", said[0] == 2 and "goes with --atomic" in said[2], said)


def told(adds):
    """monitor tells when, and objects in JSON; metrics and report tell what there is."""
    good = True
    if adds:
        with subprocess.Popen([f"{OURS}/ipvsadm", "monitor", "-t", "--count", "1"], stdout=subprocess.PIPE, text=True) as process:
            time.sleep(1)
            run(OURS, ["-A", "-f", "77"])
            said = process.communicate()[0]
        good &= expect("monitor -t says when", said.startswith("-A -f 77 -s wlc # 20") and " port " in said, said)
        with subprocess.Popen([f"{OURS}/ipvsadm", "monitor", "--json", "--count", "1"], stdout=subprocess.PIPE, text=True) as process:
            time.sleep(1)
            run(OURS, ["-D", "-f", "77"])
            event = json.loads(process.communicate()[0])
        good &= expect("monitor --json has objects", event["action"] == "del" and event["service"]["fwmark"] == 77
                       and event["port"] != 0, event)
    said = run(OURS, ["metrics", "--sum"])
    kind = "rust" if adds else "c"
    good &= expect("metrics --sum has services and no server", f'ipvs_module_info{{implementation="{kind}",version="1.2.1"}} 1\n' in said[1]
                   and "ipvs_service_active_connections{" in said[1] and "ipvs_server_" not in said[1], said)
    said = run(OURS, ["report", "--looks", "2", "--interval", "100"])
    good &= expect("report is a page", said[0] == 0 and said[1].startswith("<!DOCTYPE html>") and said[1].count("<svg") == 5, said[1][:200])
    for words in (["-h"], ["-v"]):
        said = run(OURS, ["!nobody", *words])
        good &= expect(f"{words[0]} needs no rights", said[0] == 0 and "Beyond 1.31:" in said[1], said)
    return good


def checks():
    """Runs them on the table with traffic; returns whether all is well."""
    adds, good = kernel_adds(), True
    seen = monitored()
    good &= expect("monitor shows each change as its rule", seen[:len(RULES)] == list(RULES), seen)
    if adds:
        settings = [f"sysctl net.ipv4.vs.{name}=" + (f"'{value}'" if " " in value else value) for name, value in SETTINGS]
        good &= expect("monitor shows settings", seen[len(RULES):] == settings, seen)
    for option in ("-L", "-Lc", "-L --timeout", "-L --daemon"):
        said = run(OURS, [*option.split(), "--json"])
        try:
            json.loads(said[1])
        except ValueError:
            good &= expect(f"{option} --json", False, said)
    listed = json.loads(run(OURS, ["conn", "list", "--json"])[1])["connections"]
    good &= expect("conn list has what /proc has", len(listed) == len(run(OURS, ["-Lnc"])[1].splitlines()) - 2, listed)
    good &= filtered(listed)
    good &= beside_others()
    good &= told(adds)
    udp = [one for one in listed if one["protocol"] == "udp"]
    found = json.loads(run(OURS, ["conn", "list", "--json", "--protocol", "udp"])[1])["connections"]
    found_all = len(found) == len(udp)
    good &= saved(adds)
    good &= expect("conn list by protocol", bool(udp) and found_all, found)
    same = json.loads(run(OURS, ["conn", "list", "--json", "--protocol", "17"])[1])["connections"]
    good &= expect("conn list by the number of a protocol", len(same) == len(found), same)
    said = run(OURS, ["conn", "list", "--protocol", "tpc"])
    good &= expect("conn list says what would be right", said[0] == 2 and "tcp, udp, sctp, ah, esp or a number" in said[2], said)
    before = len(run(OURS, ["-Lnc"])[1].splitlines())
    for words, reason in ([], "Which connections?"), (["--all", "--protocol", "udp"], "--all leaves nothing to a filter"):
        said = run(OURS, ["conn", "flush", *words])
        kept = len(run(OURS, ["-Lnc"])[1].splitlines()) == before
        good &= expect(f"conn flush {' '.join(words)} ends nothing".replace("  ", " "),
                       said[:2] == [2, ""] and reason in said[2] and kept, said)
    said = run(OURS, ["conn", "flush", "--protocol", "udp"])
    if adds:
        ended = "1 connection was ended" if len(udp) == 1 else f"{len(udp)} connections were ended"
        good &= expect("conn flush ends connections", said == [0, f"{ended}\n", ""], said)
    else:
        good &= expect("conn flush says what lacks", said[0] == 255 and "cannot end connections" in said[2], said)
    rest = len(run(OURS, ["-Lnc"])[1].splitlines()) - 2
    said = run(OURS, ["conn", "flush", "--all"])
    if adds:
        good &= expect("conn flush --all ends all", rest > 0 and said[0] == 0 and said[1].startswith(f"{rest} connection")
                       and len(run(OURS, ["-Lnc"])[1].splitlines()) == 2, (rest, said))
        said = [run(OURS, words) for words in (["--start-daemon", "master", "--mcast-interface", "lo"], ["-L", "--daemon"],
                                               ["--stop-daemon", "master"])]
        good &= expect("a daemon is started, listed and stopped", [one[0] for one in said] == [0, 0, 0]
                       and "mcast=lo" in said[1][1], said)
    good &= synchronised(adds)
    said = run(OURS, ["metrics"])
    good &= expect("metrics", said[0] == 0 and "# TYPE ipvs_service_connections_total counter" in said[1]
                   and 'ipvs_server_active_connections{protocol="tcp"' in said[1]
                   and ('ipvs_drops_total{reason="no_server"} ' in said[1]) == os.path.exists("/proc/net/ip_vs_drops"), said)
    before = run(OURS, ["-S", "-n"])[1]
    said = run(OURS, ["-R", "--atomic"], (before + "-A -t 10.7.0.9:80 -s nosuch\n").encode())
    after = run(OURS, ["-S", "-n"])[1]
    good &= expect("--atomic leaves the table as it was if a rule is refused",
                   said[0] == 255 and "nothing was changed" in said[2] and after == before, said)
    return good
