#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs command lines with Debian's ipvsadm and with ours on the same state of the same kernel, and compares what both say
and do: tests/ipvsadm/guest.py [--all] [--record FILE] [PATTERN]... in the test VM.

A case is a line in cases/: commands with `;` between, the program's name left out unless it is another one of the package;
`<<<` gives the input of the command before it, `!nobody` in front runs it as somebody without rights. `@NAME` chooses the
state (states/NAME, rules) that each of the following cases begins with. differences names what is meant to differ, and why."""

import argparse
import ctypes
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "net"))

import genl  # noqa: E402

THEIRS = "/usr/sbin"
OURS = "/src/target/release"
CLONE_NEWNET = 0x40000000
# Listings of connections and rates change by themselves: such a case is tried so often.
TRIES = 3
WORKERS = 2
# Of these lists every Nth case is run, unless all are asked for: the whole takes some minutes.
SAMPLED = {"options": 6, "services": 2, "servers": 2, "parsing": 2}
VIP, SERVER = "10.99.0.1", "10.99.0.2"


class Host:
    """The namespace that this process is in."""

    @staticmethod
    def socket(*kind):
        return socket.socket(*kind)


class Kernel:
    """The state of IPVS in this namespace, read and reset."""

    def __init__(self):
        self.client = genl.Client(Host)

    def state(self):
        lines = self.client.state()
        for _, _, payload in self.client.dump("GET_DAEMON"):
            nest = next(content for kind, content in genl.attributes(payload) if kind == genl.DAEMON)
            lines.append("daemon " + genl.show(nest, genl.DAEMON_NAMES))
        return lines

    def clear(self):
        """No services, no daemons, the usual timeouts."""
        self.client.do("FLUSH")
        for role in (1, 2):
            self.client.do("DEL_DAEMON", genl.attribute(genl.DAEMON, genl.attribute(1, genl.u32(role))))
        self.client.do("SET_CONFIG", b"".join(genl.attribute(kind, genl.u32(value)) for kind, value in
                                              ((genl.TIMEOUT_TCP, 900), (genl.TIMEOUT_TCP_FIN, 120),
                                               (genl.TIMEOUT_UDP, 300))))


def run(folder, words, stdin):
    """One command; words may begin with the name of a program of the package, or with !nobody."""
    user = None
    if words and words[0] == "!nobody":
        user, words = 65534, words[1:]
    program = "ipvsadm"
    if words and words[0] in ("ipvsadm-save", "ipvsadm-restore"):
        program, words = words[0], words[1:]
    environment = dict(os.environ, PATH=f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin")
    try:
        done = subprocess.run([program, *words], executable=f"{folder}/{program}", input=stdin, capture_output=True, timeout=60, check=False,
                              env=environment, user=user, cwd="/")
    except subprocess.TimeoutExpired:
        return ["timeout", "", ""]
    return [done.returncode, done.stdout.decode(errors="backslashreplace"), done.stderr.decode(errors="backslashreplace")]


def commands(line):
    """The (words, stdin) of each command of a case, which `;` separates; `<<<` names the input of the one before."""
    words, stdin, out = [], b"", []
    tokens = iter(shlex.split(line))
    for token in tokens:
        if token == "<<<":
            stdin = next(tokens).encode().decode("unicode_escape").encode("latin-1")
        elif token == ";":
            out.append((words, stdin))
            words, stdin = [], b""
        else:
            words.append(token)
    return out + [(words, stdin)]


class Bench:
    """Puts the kernel into a state and runs cases on it."""

    def __init__(self):
        self.kernel = Kernel()
        self.known, self.current = {}, None

    def reset(self, name):
        """The state `name`, made anew unless the kernel is in it."""
        if self.current == name:
            return
        self.kernel.clear()
        with open(f"{HERE}/states/{name}", "rb") as file:
            done = subprocess.run([f"{THEIRS}/ipvsadm", "-R"], stdin=file, capture_output=True, check=False)
        if done.stderr:
            raise RuntimeError(f"state {name}: {done.stderr.decode()}")
        if name not in self.known:
            self.known[name] = self.kernel.state()
        self.current = name

    def play(self, folder, name, line):
        """What one program says to a case and what it leaves behind."""
        self.reset(name)
        said = [run(folder, words, stdin) for words, stdin in commands(line)]
        state = self.kernel.state()
        if state != self.known[name]:
            self.current = None
        return {"said": said, "state": state}

    def compare(self, name, line):
        """(theirs, ours), equal if one of some tries was."""
        for _ in range(TRIES):
            theirs, ours = self.play(THEIRS, name, line), self.play(OURS, name, line)
            if theirs == ours:
                break
        return theirs, ours


def echo_server():
    """A TCP and a UDP server that answer, and a client's connections to them through IPVS."""
    tcp = socket.create_server((SERVER, 8000), backlog=100)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((SERVER, 8000))

    def serve_tcp():
        while True:
            peer, _ = tcp.accept()
            peer.sendall(peer.recv(4096))
            KEPT.append(peer)

    def serve_udp():
        while True:
            data, peer = udp.recvfrom(65536)
            udp.sendto(data, peer)

    for serve in (serve_tcp, serve_udp):
        threading.Thread(target=serve, daemon=True).start()


KEPT = []


def traffic():
    """Connections in several states, so that there is something to list."""
    for word in (f"address add {VIP}/32 dev lo", f"address add {SERVER}/32 dev lo"):
        subprocess.run(["ip", *word.split()], check=True)
    echo_server()
    subprocess.run([f"{THEIRS}/ipvsadm", "-R"], check=True, input="\n".join((
        f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r {SERVER}:8000 -m",
        f"-A -t {VIP}:81 -s rr -p 100 -M 255.255.255.0", f"-a -t {VIP}:81 -r {SERVER}:8000 -m",
        f"-A -u {VIP}:53 -s wlc", f"-a -u {VIP}:53 -r {SERVER}:8000 -m", "")).encode())
    for number in range(6):
        peer = socket.create_connection((VIP, 80 + number % 2), timeout=10)
        peer.sendall(b"x" * 1000)
        peer.recv(4096)
        if number % 3:
            KEPT.append(peer)
        else:
            peer.close()
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.settimeout(10)
    peer.connect((VIP, 53))
    for _ in range(40):
        peer.send(b"y" * 1000)
        peer.recv(4096)
    # Counters are brought up to date every two seconds; rates have gone to 0 after some more.
    time.sleep(3)


def cases(patterns, every):
    """(file, state, line) of the cases: all, those that are asked for, or a sample."""
    out = []
    for name in sorted(os.listdir(f"{HERE}/cases")):
        state, count = "empty", 0
        with open(f"{HERE}/cases/{name}", encoding="utf-8") as file:
            for line in file:
                line = line.rstrip("\n")
                if line.startswith("@"):
                    state = line[1:]
                elif line and not line.startswith("#"):
                    count += 1
                    if every or patterns or count % SAMPLED.get(name, 1) == 0:
                        if not patterns or any(part in f"{name}: {line}" for part in patterns):
                            out.append((name, state, line))
    return out


def named_differences():
    """{(state, line): reason} of the cases in which ours means to differ."""
    out, reason, state = {}, None, None
    with open(f"{HERE}/differences", encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("= "):
                reason = line[2:]
            elif line.startswith("@"):
                state = line[1:]
            elif line and not line.startswith("#"):
                out[(state, line)] = reason
    return out


def show(one, other):
    """The two sides of what differs."""
    lines = []
    for left, right in zip(one["said"], other["said"]):
        for label, theirs, ours in zip(("status", "stdout", "stderr"), left, right):
            if theirs != ours:
                lines += [f"    {label}: theirs {theirs!r}", f"    {' ' * len(label)}  ours   {ours!r}"]
    for left in sorted(set(one["state"]) ^ set(other["state"])):
        lines.append(f"    state: {'theirs' if left in one['state'] else 'ours'} {left}")
    return lines


def work(share, record, output):
    """A worker in a namespace of its own; writes results as JSON lines."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    bench = Bench()
    with open(output, "w", encoding="utf-8") as file:
        last = None
        for name, state, line in share:
            if state == "traffic" and last != "traffic":
                bench.kernel.clear()
                traffic()
                bench.known["traffic"], bench.current = bench.kernel.state(), "traffic"
            last = state
            began = time.monotonic()
            if record:
                pair = [bench.play(THEIRS, state, line)]
            else:
                pair = bench.compare(state, line)
            file.write(json.dumps([name, state, line, *pair, time.monotonic() - began]) + "\n")


def spread(wanted):
    """The cases of each worker; all with traffic go to one."""
    shares = [[] for _ in range(WORKERS)]
    for number, case in enumerate(wanted):
        shares[-1 if case[1] == "traffic" else number % WORKERS].append(case)
    for share in shares:
        share.sort(key=lambda case: case[1] == "traffic")
    return shares


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", help="only run Debian's, and keep what it says")
    parser.add_argument("--all", action="store_true", help="all cases, not every Nth of the long lists")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    subprocess.run(["modprobe", "ip_vs"], check=True)
    shutil.copy(f"{HERE}/states/hosts", "/etc/hosts")
    results, workers = [], []
    for number, share in enumerate(spread(cases(options.patterns, options.all or options.record))):
        output = f"/tmp/results-{number}"
        pid = os.fork()
        if pid == 0:
            work(share, options.record, output)
            os._exit(0)
        workers.append((pid, output))
    failed = 0
    for pid, output in workers:
        _, status = os.waitpid(pid, 0)
        failed += status != 0
        with open(output, encoding="utf-8") as file:
            results += [json.loads(line) for line in file]
    if options.record:
        with open(options.record, "w", encoding="utf-8") as file:
            json.dump(results, file)
        return failed
    meant, equal, named = named_differences(), 0, 0
    for name, state, line, theirs, ours, _ in results:
        if theirs == ours and (state, line) not in meant:
            equal += 1
        elif theirs != ours and (state, line) in meant:
            named += 1
        else:
            failed += 1
            print(f"not ok ipvsadm {name} on {state}: {line}" + (": differs no more" if theirs == ours else ""))
            print("\n".join(show(theirs, ours)))
    if not failed and results:
        print(f"ok ipvsadm ({len(results)} command lines: {equal} equal, {named} named differences)")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
