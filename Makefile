# SPDX-License-Identifier: GPL-2.0
# One verb, one line. What Kbuild does with the sources is in the file Kbuild.

.PHONY: modules setup demo demo-l7 pictures test test-debug test-pair reproduce reverted test-arm64 test-l7 test-parallel switch-goes fuzz flood soak bench bench-scale bench-l7 profile clippy fmt fmt-check doc install install-tools uninstall deb test-packages clean help
.DEFAULT_GOAL := modules

modules: setup ## build the kernel modules into build/ (the default)
	scripts/kbuild $(if $(LAB),build-$(LAB),build) modules

setup: ## make the lab: build environment, kernel tree, VM kernel (cached)
	@scripts/setup.sh

demo: setup ## a load balancer in a VM: two web servers behind one address
	scripts/demo.sh

pictures: modules ## the pictures in docs/pictures anew: traffic in a VM, as ipvsadm shows it (needs Chromium; KEEP=1: without a VM)
	scripts/pictures.sh

demo-l7: setup ## the layer-7 switch in a VM: three web servers, chosen by the path of a request
	scripts/demo.sh l7

test: ## everything: gates, host tests, the C module and ours in VMs (T=pattern: only what matches)
	scripts/test.sh

test-debug: setup ## scenarios and ipvsadm on a debug kernel, and faults injected (T=pattern; SECONDS=60: how long everything happens at once)
	STORM=$(or $(SECONDS),60) scripts/test-debug.sh

test-arm64: ## everything for arm64 and on Debian's kernel for it, emulated: modules, tools, scenarios on both modules (T=pattern)
	scripts/test-arm64.sh

test-pair: modules ## two directors in two VMs, master and backup (PAIRS="c:c c:rust rust:c rust:rust": modules of each, default c:c; T=pattern)
	@status=0; for pair in $(or $(PAIRS),c:c); do echo "== $$pair"; scripts/pair -a $${pair%:*} -b $${pair#*:} $(T) || status=1; done; exit $$status

reproduce: modules ## what once harmed the kernel, tried again (T=NAME: only that; see tests/debug/reproduce.py)
	scripts/vm -m rust -a slab_debug=P -t 1200 -- tests/debug/reproduce.py $(T)

reverted: modules ## fixes taken back, one by one: does their test see it? (T=NAME: only that; LAB=debug: on the debug kernel)
	scripts/reverted.sh $(T)

flood: modules ## overload: SYNs and datagrams of random clients, each defence, the C module's figures and ours
	scripts/flood.sh

soak: modules ## mixed traffic and edits for MINUTES=60, both modules: a table and a plot of build/soak
	scripts/soak.sh $(or $(MINUTES),60)

test-l7: modules ## the layer-7 switch for longer: 2 GB each way, 1,000 connections with lost packets (MEGABYTES=2048, CONNECTIONS=1000)
	scripts/tools.sh tcpvsadm
	scripts/vm -m rust -t 3000 -o build/test/l7 -- env L7_MEGABYTES=$(or $(MEGABYTES),2048) L7_CONNECTIONS=$(or $(CONNECTIONS),1000) tests/net/run l_switch_bodies

test-parallel: modules ## four CPUs schedule at once by rr and wrr, a minute each
	scripts/vm -m rust -s 4 -t 1200 -- env PARALLEL_SECONDS=60 tests/net/run rr_and_wrr_share

switch-goes: modules ## the layer-7 switch is removed under load, ROUNDS=50 times, on four CPUs (LAB=debug: on the debug kernel)
	ROUNDS=$(or $(ROUNDS),50) scripts/switch-goes.sh

bench: modules ## instructions per packet, the C module's and ours (ROWS=all: with every scheduler; ROWS="new-mh add": those)
	tests/bench/run $(ROWS)

bench-scale: modules ## packets, and memory, with up to a million connections; C's with conn_tab_bits=20, too
	tests/bench/scale

bench-l7: modules ## instructions per request and megabyte behind HAProxy, nginx and our layer-7 switch; bytes of an idle connection
	scripts/tools.sh tcpvsadm
	tests/bench/l7

profile: modules ## instructions per function and packet of one row of bench (ROW=nat-established-rr, MODULE=c: of the C modules)
	tests/bench/profile --module $(or $(MODULE),rust) $(or $(ROW),nat-established-rr)

fuzz: setup ## all that reads bytes from outside, with random ones (SECONDS_EACH=60 for each target, T=pattern)
	scripts/fuzz.sh

clippy: setup ## lints of the kernel crates and of the host crates
	scripts/gates/clippy.sh

fmt: setup ## format all Rust files
	scripts/format.sh

fmt-check: setup ## are all Rust files formatted?
	scripts/format.sh --check

doc: modules ## API documentation into target/doc (host crates) and target/doc-kernel (kernel crates)
	scripts/doc.sh

install: ## build and install modules and tools, for the running kernel (KVER= for another, DESTDIR= for another root)
	@scripts/install.sh
	@scripts/install-tools.sh

install-tools: ## build and install ipvsadm, its manual and completions (PREFIX=/usr/local, DESTDIR=)
	scripts/install-tools.sh

uninstall: ## remove what make install installed: the C module is next (KVER=, PREFIX=, DESTDIR=)
	@scripts/uninstall.sh

deb: setup ## Debian packages into build/deb
	@scripts/deb.sh

test-packages: deb ## packages and README in VMs with systemd: install, change over, reboot, keepalived, sign, purge (T=part)
	scripts/test-packages.sh $(T)

clean: ## remove what was built here, of each LAB, too (the labs stay: ~/.cache/ipvs_rs)
	rm -rf build build-*/ target

help: ## this list
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 20
