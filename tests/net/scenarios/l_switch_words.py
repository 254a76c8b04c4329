# SPDX-License-Identifier: GPL-2.0
"""What tcpvsadm says, and what it ends with: 0, 1 for a configuration file, 2 for what was typed, 255 for what the kernel refuses."""

import json
import subprocess

import kernel
import switch
from lab import GATEWAY, VIP, Topology
from scenario import check, equal, scenario
from switch import configure, tool

VERSION = "TCP Virtual Server version 1.0.0\n"
HELP = "Try `tcpvsadm -h' for more information."
BUILT = ("-A -i web -s http -P 80 -l {vip}", "-a -i web -r 10.9.0.1:80", "-a -i web -r 10.9.0.2 -w 65535",
         "--add-rule -i web -p /a -r 10.9.0.1:80", "--start -i web", "--add-service --ident=other --scheduler wlc --listen [::1]:81",
         "--add-server --ident other --real-server=[::2] --weight=0")
# Words, and the status.
SAID = {
    2: {
        "-a -i web -r 10.9.0.3 -w 65536": "illegal weight specified",
        "-a -i web -r 10.9.0.3 -w -1": "illegal weight specified",
        "-A -i x -P 65536": "illegal server port specified",
        "-A -i x -P nosuchport": "illegal server port specified",
        "-A -i x -l 10.9.0": "illegal address:port specified",
        "-A -i x -l 10.9.0.1:0x": "illegal address:port specified",
        "-a -i web -r 10.9.0.3:70000": "illegal address:port specified",
        "--add-rule -i web -p /b -r 10.9.0.1:80 -m 10": "illegal match number specified",
        "-A -i x -i y": "multiple 'ident' options specified",
        "-a -i web -r 10.9.0.3 -r 10.9.0.4": "multiple 'real-server' options specified",
        "-A": "You need to supply the 'ident' option for the 'add-service' command",
        "-a -i web": "You need to supply the 'real-server' option for the 'add-server' command",
        "--add-rule -i web -r 10.9.0.1": "You need to supply the 'pattern' option for the 'add-rule' command",
        "-D": "You need to supply the 'ident' option for the 'delete-service' command",
        "-F -i web": "Illegal 'ident' option with the 'flush' command",
        "-A -i x -w 1": "Illegal 'weight' option with the 'add-service' command",
        "-d -i web -r 10.9.0.1 -p x": "Illegal 'pattern' option with the 'delete-server' command",
        "-L what": "unknown arguments found in command line",
        "-L --what": "unknown arguments found in command line",
        "-A -D -i x": "multiple commands specified",
        "-A -i a123456789012345": "illegal ident specified",
        "-A -i a/b": "illegal ident specified",
    },
    255: {
        "-X": HELP, "what": HELP, "-i web -A": HELP,
        "-A -i web": "Service already exists",
        "-A -i x -s nosuch": "Scheduler not found",
        "-E -i web -s nosuch": "Scheduler not found",
        "-E -i x -P 81": "No such service", "-D -i x": "No such service", "-L -i x": "No such service", "--start -i x": "No such service",
        "--stop -i x": "No such service", "--add-rule -i x -p a -r 10.9.0.1:80": "No such service",
        "-a -i x -r 10.9.0.1:80": "Service not defined", "-e -i x -r 10.9.0.1:80": "Service not defined",
        "-d -i x -r 10.9.0.1:80": "Service not defined", "-a -i x -r 10.9.0.1": "Service not defined",
        "-a -i web -r 10.9.0.1:80": "Destination already exists",
        "-e -i web -r 10.9.0.3:80": "No such destination", "-d -i web -r 10.9.0.3:80": "No such destination",
        "--add-rule -i web -p /b -r 10.9.0.3:80": "No such destination",
        "--del-rule -i web -p /b -r 10.9.0.1:80": "No such rule",
        "-d -i web -r 10.9.0.1:80": "Destination is busy",
        "-D -i web": "Service is running", "-E -i web -P 81": "Service is running", "-E -i web -l {gateway}": "Service is running",
    },
}
FAULTS = {
    "virtual web {": 1, "virtual web {\n listen = 10.9\n}": 2, "\n\nvirtual web { speed = 9 }": 3, "virtual a/b { }": 1,
    "virtual web { maxclients = 0 }": 1, "virtual web { server = 10.9.0.1:80 65536 }": 1, 'virtual web {\n\n rule = pattern "x\n': 3,
    'virtual web {\n rule = pattern "x" use server 10.9.0.1:80\n server = 10.9.0.2:80 1 }': 2,
    'virtual web { rule = pattern "x" match 10 use server 10.9.0.1:80 }': 1, "listen = 10.9.0.1:80": 1, "virtual web { } }": 1,
}


def says(host, line, status, words):
    found = tool(host, *line.format(vip=VIP, gateway=GATEWAY).split())
    equal(found, (status, words + "\n"), line)


@scenario(rust_only=True)
def each_mistake_has_its_words_and_status(t):
    with switch.loaded():
        hosts = Topology(servers=1)
        director = hosts.director
        configure(director, *(line.format(vip=VIP) for line in BUILT))
        listed = tool(director, "-L", "-n")[1]
        for status, lines in SAID.items():
            for line, words in lines.items():
                says(director, line, status, words)
        # Patterns have words of their own.
        for pattern in ("(", "a**{", "[z-a]", "a{2,1}", "(a{1,50}){1,50}"):
            status, text = tool(director, "--add-rule", "-i", "web", "-p", pattern, "-r", "10.9.0.1:80")
            equal(status, 255, pattern)
            t.note(pattern, text.strip())
        equal(tool(director, "-L", "-n")[1], listed, "the list after that")
        # An address that is taken, at --start.
        taken = director.listen(VIP, 90)
        configure(director, f"-A -i taken -s wlc -l {VIP}:90")
        says(director, "--start -i taken", 255, "Address already in use")
        taken.close()
        configure(director, "-D -i taken")
        # Whoever is not root.
        with director:
            done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", switch.TOOL, "-L"], text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        equal((done.returncode, done.stdout), (255, "Permission denied (you must be root)\n"), "a list for nobody")
        for name, status in (("-h", 0), ("--help", 0)):
            found, text = tool(director, name)
            equal(found, status, name)
            check("--add-service" in text and "--load-configfile" in text, f"{name}: {text!r}")
    says_without_module(t)


def says_without_module(t):
    """The kernel looks for the module once, and there is none."""
    hosts = Topology(servers=1, tag="x")
    with open("/proc/sys/kernel/modprobe", encoding="ascii") as file:
        program = file.read()
    try:
        with open("/proc/sys/kernel/modprobe", "w", encoding="ascii") as file:
            file.write("/bin/false\n")
        says(hosts.director, "-L", 2, "The ktcpvs module not loaded")
    finally:
        with open("/proc/sys/kernel/modprobe", "w", encoding="ascii") as file:
            file.write(program)
    check(kernel.use_count("ktcpvs") is None, "the module is there")
    t.note("without the module: ok")


@scenario(rust_only=True)
def options_and_files_mean_what_the_manual_says(t):
    with switch.loaded():
        director = Topology(servers=1).director
        configure(director, *(line.format(vip=VIP) for line in BUILT))
        # What is said last about the port wins; an edit changes what it names only.
        configure(director, f"-A -i one -P 91 -l {VIP}:92", f"-A -i two -l {VIP}:93 -P 94", "-A -i three", "-E -i one -s wlc",
                  "-E -i two -P http", f"-E -i three -l {GATEWAY}", "-a -i one -r 10.9.0.1", "-e -i one -r 10.9.0.1 -w 7")
        listed = tool(director, "-L", "-n")[1]
        t.block("list", listed.splitlines())
        status, text = tool(director, "-Ln", "-i", "one")
        check(status == 0 and text.startswith("Virtual one {"), f"a list of one: {text!r}")
        equal(tool(director), tool(director, "--list"), "the list without a word")
        found = json.loads(tool(director, "-L", "-n", "--json")[1])
        t.note("json", json.dumps([(one["name"], one["state"], one["listen"], one["scheduler"], len(one["servers"]), len(one["rules"]))
                                   for one in found]))
        stats = tool(director, "-L", "-n", "--stats")[1]
        for text in (listed, stats, listed[len(VERSION):].upper()):
            equal(tool(director, "-f", "-", "--check", text=text), (0, ""), "checking a list")
        # With counters, too, it is a configuration.
        equal(tool(director, "-f", "-", text=stats), (0, ""), "loading a list with counters")
        equal(tool(director, "-L", "-n")[1], listed, "the list that was loaded")
        for text, line in FAULTS.items():
            for more in ([], ["--check"]):
                status, said = tool(director, "-f", "-", *more, text=text)
                check(status == 1 and said.startswith(f"Syntax error in the config file - (line {line}): parsing ") and
                      said.endswith(" error\n"), f"{text!r}: {status}, {said!r}")
        equal(tool(director, "-L", "-n")[1], listed, "the list after files with faults")
        equal(tool(director, "-f", "/nosuchfile")[0], 1, "a file that is not there")
        # What the kernel refuses of a file changes nothing, either.
        for text in ("virtual new { rule = pattern \"(\" use server 10.9.0.1:80 server = 10.9.0.1:80 1 }",
                     "virtual new { scheduler = nosuch }",
                     "virtual new { server = 10.9.0.1:80 1 server = 10.9.0.1:80 2 }"):
            status, said = tool(director, "-f", "-", text=text)
            equal(status, 255, text)
            t.note("refused", said.strip())
        equal(tool(director, "-L", "-n")[1], listed, "the list after files that were refused")
        configure(director, "--stop", "-F")
        equal(tool(director), (0, VERSION), "the list at the end")
