# SPDX-License-Identifier: GPL-2.0
"""The helper for FTP: programs of Debian through the director, in all forms of data connections, and what goes wrong."""

import array
import fcntl
import ftplib
import re
import socket
import sys
import threading

import ftp
import kernel
from dual import Dual, end, server, vip
from lab import CLIENT, VIP, Topology, remove, run, server_address
from scenario import check, equal, scenario
from scenarios.j_modules import BUSY
from scenarios.q_bulk import shortcut
from views import connections, wait_until

MODULE = "ip_vs_ftp"
SIOCOUTQ = 0x5411
# Many bytes, if somebody asks for this scenario by name.
LARGE = ((50 if "ftp_in_bulk" in sys.argv else 1) << 20) // kernel.LESS


def load(*parameters):
    """The helper with these parameters."""
    # It is there still if the scenario before has failed.
    kernel.unload(MODULE)
    run("modprobe", MODULE, *parameters)


def serve(lab, version=4, flag="-m", ports=(21,), options="", servers=1):
    for port in ports:
        service = f"-t {end(vip(version), port)}"
        lab.director.ipvs(f"-A {service} -s rr {options}".strip(),
                          *(f"-a {service} -r {end(server(version, number), 21 if flag == '-m' else port)} {flag}"
                            for number in range(1, servers + 1)))


def apps(lab):
    return lab.director.read("/proc/net/ip_vs_app").splitlines()[1:]


def finish(lab, *servers):
    """Ends the servers and all connections, and removes the helper."""
    for one in servers:
        one.stop()
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    lab.director.ipvs("-C")
    wait_until(lambda: not connections(lab.director), what="connections end")
    # A connection that is listed no more may be about to give its reference back.
    wait_until(lambda: kernel.use_count(MODULE) == 0, what="the references are given back")
    equal(kernel.unload(MODULE), "ok", "removing the helper")


def data_rows(lab):
    """Connections but those of the control port, without ports of the client and of the data."""
    found = []
    for row in connections(lab.director):
        words = row.split()
        if words[4] != "0015":
            words[2] = "0000" if words[2] == "0000" else "port"
            for place in (4, 6):
                words[place] = words[place] if words[place] == "0014" else "port"
            found.append(" ".join(words))
    return sorted(set(found))


def forms(version):
    return ftp.MODES if version == 4 else ("EPSV", "EPRT")


def twenty(t, version, tracked):
    """Twenty transfers on one control connection, by each form in turn: the lengths of the replies change, and add up."""
    load()
    lab = Dual()
    serve(lab, version)
    lab.director.ipvs_sysctl("conntrack", tracked)
    servant = ftp.vsftpd(lab.servers[0], server(version))
    talk = ftp.Client(lab.client, vip(version))
    t.block("apps", apps(lab))
    for number in range(10):
        for place, mode in enumerate(forms(version)):
            if (number + place) % 2 and version == 4:
                continue
            talk.fetches(mode, "large" if number == 5 else "small")
    for mode in forms(version):
        talk.sends(mode, servant, f"by-{mode}")
    with lab.client:
        talk.voidcmd("NOOP")
    t.block("said", sorted({ftp.masked(line) for line in talk.said if line[:3] in ("227", "229")}))
    with lab.client:
        talk.quit()
    t.block("data connections", sorted({re.sub(r" (TIME_WAIT|CLOSE|FIN_WAIT|LAST_ACK|CLOSE_WAIT) \d+", " ended", row)
                                        for row in data_rows(lab)}))
    finish(lab, servant)


for ip in (4, 6):
    for value in (0, 1):
        def one(t, ip=ip, value=value):
            twenty(t, ip, value)
        one.__name__, one.__module__ = f"twenty_transfers_of_ftp_over_ipv{ip}_with_conntrack_{value}", __name__
        scenario(one)


@scenario
def programs_of_ftp_through_the_director(t):
    load()
    lab = Topology()
    serve(lab)
    wanted = ftp.content("small").decode()
    url = f"ftp://{VIP}/small"
    for kind in (ftp.vsftpd, ftp.pyftpd):
        servant = kind(lab.servers[0], server_address(1))
        tries = {"curl": ["curl", "-sS", url], "curl PASV": ["curl", "-sS", "--disable-epsv", url],
                 "lftp": ["lftp", "-c", f"set net:timeout 5; set net:max-retries 1; set ftp:ssl-allow no; cat {url}"]}
        if kind is ftp.vsftpd:
            # The other server connects from any port.
            tries |= {"curl EPRT": ["curl", "-sS", "-P", "-", url],
                      "curl PORT": ["curl", "-sS", "-P", "-", "--disable-eprt", url],
                      "lftp PORT": ["lftp", "-c", "set net:timeout 5; set net:max-retries 1; set ftp:ssl-allow no; "
                                                  f"set ftp:passive-mode off; cat {url}"],
                      "tnftp PORT": ["tnftp", "-A", "-V", "-o", "-", url]}
        tries["tnftp"] = ["tnftp", "-p", "-V", "-o", "-", url]
        for name, words in tries.items():
            got = lab.client.run(*words, check=False)
            t.note(kind.__name__, name, "ok" if got == wanted else got[-200:])
        servant.stop()
    finish(lab)


@scenario
def ftp_in_bulk(t):
    load()
    lab = Topology()
    serve(lab)
    ftp.FILES["bulk"] = LARGE
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    talk = ftp.Client(lab.client, VIP)
    for mode in ("PASV", "PORT"):
        talk.fetches(mode, "bulk")
        talk.sends(mode, servant, f"by-{mode}", "bulk")
        t.note(mode, "both ways")
    del ftp.FILES["bulk"]
    with lab.client:
        talk.quit()
    finish(lab, servant)


@scenario
def three_ports_of_ftp(t):
    load("ports=21,2121,0,60021")
    t.note(open(f"/sys/module/{MODULE}/parameters/ports", encoding="ascii").read().strip())
    lab = Topology()
    serve(lab, ports=(21, 2121, 60021))
    t.block("apps", apps(lab))
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    talks = [ftp.Client(lab.client, VIP, port) for port in (60021, 2121, 21)]
    for talk in talks:
        for mode in ftp.MODES:
            talk.fetches(mode)
    t.block("with connections", apps(lab))
    equal(kernel.unload(MODULE), BUSY, "removing the helper of connections")
    for talk in talks:
        talk.close()
    finish(lab, servant)


@scenario
def ftp_beside_masquerading(t):
    load()
    lab = Topology()
    serve(lab)
    lab.director.run("nft", "-f", "-", text="table inet nat_beside { chain leaving { type nat hook postrouting priority srcnat; "
                                             'oifname "s1" masquerade; }; }\n')
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    talk = ftp.Client(lab.client, VIP)
    for number, mode in enumerate(("PASV", "EPSV", "PASV")):
        talk.fetches(mode)
        talk.sends(mode, servant, f"file-{number}")
    t.block("said", sorted({ftp.masked(line) for line in talk.said if line[:3] in ("227", "229")}))
    talk.close()
    finish(lab, servant)


@scenario
def data_of_ftp_are_related_by_a_rule(t):
    load()
    lab = Topology()
    lab.director.run("nft", "-f", "-", text="""table ip related_seen {
        ct helper standard { type "ftp" protocol tcp; }
        chain assign { type filter hook prerouting priority -150; tcp dport 21 ct helper set "standard"; }
        chain seen { type filter hook input priority -150; ct state related tcp flags syn counter; }
    }\n""")
    serve(lab)
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    talk = ftp.Client(lab.client, VIP)
    with lab.client:
        talk.sendcmd("PASV")
    expected = lab.director.run("conntrack", "-L", "expect").splitlines()
    t.block("expected", [re.sub(r"^\d+", "time", re.sub(r"port=[1-9]\d*", "port=number", line)) for line in expected if "proto" in line])
    talk.fetches("PASV")
    counted = re.search(r"counter packets (\d+)", lab.director.run("nft", "list", "chain", "ip", "related_seen", "seen"))
    t.note("related:", counted[1])
    talk.close()
    finish(lab, servant)


@scenario
def ftp_by_direct_routing_takes_persistence(t):
    load()
    lab = Dual(virtual=True)
    shortcut(lab)
    serve(lab, flag="-g", options="-p 100")
    servant = ftp.vsftpd(lab.servers[0], server(4))
    talk = ftp.Client(lab.client, VIP)
    talk.fetches("PASV")
    talk.fetches("EPSV")
    t.block("apps", apps(lab))
    t.block("said", sorted({ftp.masked(line) for line in talk.said if line[:3] in ("227", "229")}))
    talk.close()
    finish(lab, servant)


class Raw:
    """A control connection whose client says each byte itself."""

    def __init__(self, lab, port=21):
        self.near = lab.client.connect(VIP, port)
        self.near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.hear()
        self.says("USER anonymous\r\n")
        self.says("PASS x\r\n")

    def hear(self):
        said = b""
        while not said.endswith(b"\r\n"):
            try:
                said += self.near.recv(4096)
            except TimeoutError:
                return "nothing"
        return said.decode().strip()

    def says(self, *pieces):
        for number, piece in enumerate(pieces):
            if number:
                # So that the first one has come before.
                wait_until(lambda: self.is_quiet(), what="the piece is acknowledged")
            self.near.sendall(piece.encode())
        return ftp.masked(self.hear())

    def is_quiet(self):
        """Whether all that was sent is acknowledged (SIOCOUTQ)."""
        left = array.array("i", [0])
        fcntl.ioctl(self.near, SIOCOUTQ, left)
        return left[0] == 0


@scenario
def commands_of_ftp_in_pieces(t):
    load()
    lab = Topology()
    serve(lab)
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    talk = Raw(lab)
    t.note("whole:", talk.says("PASV\r\n"))
    t.note("lower case:", talk.says("pasv\r\n"))
    t.note("behind another:", talk.says("NOOP\r\nPASV\r\n"), ftp.masked(talk.hear()))
    t.note("in two pieces:", talk.says("PA", "SV\r\n"))
    t.note("in six pieces:", talk.says(*"PASV\r\n"))
    t.note("with LF only:", talk.says("PASV\n"))
    talk.near.close()
    finish(lab, servant)


@scenario
def ftp_to_another_host_than_the_client(t):
    load()
    lab = Topology()
    serve(lab)
    servant = ftp.vsftpd(lab.servers[0], server_address(1), promiscuous=True)
    talk = Raw(lab)
    port = f"PORT {CLIENT},10,10".replace(".", ",")
    t.note("to itself:", talk.says(port + "\r\n"))
    for other in ("PORT 10,0,0,9,10,11", "EPRT |1|10.0.0.9|2571|"):
        t.note("to another:", talk.says(other + "\r\n"))
    t.block("expected", [row for row in connections(lab.director) if row.split()[4] == "0014"])
    talk.near.close()
    finish(lab, servant)


@scenario(rust_only=True)
def ftp_to_another_host_if_that_is_allowed(t):
    load("other_hosts=1")
    lab = Topology()
    serve(lab)
    servant = ftp.vsftpd(lab.servers[0], server_address(1), promiscuous=True)
    talk = Raw(lab)
    talk.says("PORT 10,0,0,9,10,11\r\n")
    rows = [row for row in connections(lab.director) if row.split()[4] == "0014"]
    equal(rows, ["TCP 0A000009 0A0B 0A000101 0014 AC100102 0014 LISTEN 120"], "what is expected")
    talk.near.close()
    finish(lab, servant)


@scenario
def a_port_of_ftp_that_nobody_tracks(t):
    load("ports=2121")
    lab = Topology()
    serve(lab, ports=(2121,))
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    talk = Raw(lab, 2121)
    t.note("PASV:", talk.says("PASV\r\n"))
    t.note("again:", talk.says("PASV\r\n"))
    talk.near.close()
    finish(lab, servant)


@scenario(rust_only=True)
def a_service_of_ftp_that_is_older_than_the_helper(t):
    """Nobody tracks its connections when the first one comes."""
    kernel.unload(MODULE)
    lab = Topology()
    serve(lab, ports=(2121,))
    load("ports=2121")
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    talk = ftp.Client(lab.client, VIP, 2121)
    for mode in ftp.MODES * 2:
        talk.fetches(mode)
    equal({line for line in map(ftp.masked, talk.said) if line[:3] == "227"}, {"227 Entering Passive Mode (10,0,1,1,port)."},
          "what the client reads")
    talk.close()
    finish(lab, servant)


@scenario
def a_reply_of_ftp_without_an_entry(t):
    load()
    lab = Topology()
    serve(lab)
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    talk = Raw(lab)
    lab.director.run("nft", "-f", "-", text="""table ip untracked {
        chain early { type filter hook prerouting priority -350; tcp sport 21 tcp flags & psh == psh notrack; }
    }\n""")
    talk.near.settimeout(1)
    t.note("while there is none:", talk.says("PASV\r\n"))
    lab.director.run("nft", "delete", "table", "ip", "untracked")
    if "227" not in t.lines[-1]:
        talk.near.settimeout(5)
        t.note("then:", ftp.masked(talk.hear()))
    talk.near.close()
    finish(lab, servant)


@scenario
def a_data_connection_of_ftp_is_expected(t):
    load()
    lab = Topology()
    serve(lab)
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    talk = ftp.Client(lab.client, VIP)
    with lab.client:
        host, port = ftplib.parse227(talk.sendcmd("PASV"))
    t.block("expected", data_rows(lab))
    t.block("counted", [line.split("Masq")[1] for line in lab.director.read("/proc/net/ip_vs").splitlines() if "Masq" in line])
    near = lab.client.connect(host, port)
    t.block("begun", data_rows(lab))
    t.block("counted", [line.split("Masq")[1] for line in lab.director.read("/proc/net/ip_vs").splitlines() if "Masq" in line])
    near.close()
    with lab.client:
        talk.sendport(CLIENT, 2570)
    t.block("active", [row for row in connections(lab.director) if row.split()[4] == "0014"])
    talk.close()
    finish(lab, servant)


@scenario
def a_namespace_ends_with_ftp(t):
    load()
    for _ in range(3):
        lab = Topology()
        serve(lab)
        servant = ftp.vsftpd(lab.servers[0], server_address(1))
        talk = ftp.Client(lab.client, VIP)
        over, stopped = threading.Event(), []

        def work(talk=talk, over=over, stopped=stopped):
            try:
                while not over.is_set():
                    talk.fetches("PASV")
                    talk.fetches("PORT")
            except Exception as error:  # pylint: disable=broad-except
                stopped.append(error)

        talk.timeout = 0.5
        talk.sock.settimeout(0.5)
        with lab.client:
            talk.sendcmd("PASV")
        thread = threading.Thread(target=work)
        thread.start()
        wait_until(lambda: len(talk.said) > 12, what="files are fetched")
        remove(lab.director)
        over.set()
        thread.join()
        servant.stop()
        talk.close()
        remove(*lab.servers, lab.client)
    wait_until(lambda: kernel.use_count(MODULE) == 0, what="the references are given back")
    equal(kernel.unload(MODULE), "ok", "removing the helper")


@scenario(rust_only=True)
def the_helper_for_ftp_comes_and_goes_under_traffic(t):
    lab = Topology()
    lab.director.ipvs_sysctl("expire_nodest_conn", 1)
    servant = ftp.vsftpd(lab.servers[0], server_address(1))
    for _ in range(5):
        load()
        serve(lab)
        talk = ftp.Client(lab.client, VIP)
        talk.fetches("PASV")
        talk.fetches("PORT")
        equal(kernel.unload(MODULE), BUSY, "removing the helper of a connection")
        lab.director.ipvs("-C")
        wait_until(lambda: kernel.use_count(MODULE) == 0, what="the connection ends")
        equal(kernel.unload(MODULE), "ok", "removing the helper")
        with lab.client:
            talk.sock.close()
    check(not apps(lab), "helpers in the end")
    servant.stop()
