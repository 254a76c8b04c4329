// SPDX-License-Identifier: GPL-2.0
// A plugin of QEMU's emulator that counts how often each block of the guest's instructions runs, between two marks.
//
// The guest sets a mark by running an instruction at an address that no other program uses: MARK begins a window, MARK + 0x800
// ends it (window.py). There may be many windows, one after the other; the counts are their sum. When QEMU ends, the file of the
// argument `out` gets a line for each block that has run: its address in hexadecimal, its number of instructions, how often it ran.
//
// Debian 12 has no header for plugins, so what is used of the interface is declared here; it is the same in all versions since 5.0.

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK UINT64_C(0x5eed0000000)
#define BUCKETS (1u << 16)

struct qemu_plugin_tb;
typedef uint64_t plugin_id;
enum registers { NO_REGISTERS };

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned int, void *), enum registers, void *);
extern void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);

__attribute__((visibility("default"))) int qemu_plugin_version = PLUGIN_API;

struct block {
	uint64_t address, runs;
	size_t instructions;
	struct block *next;
};

static struct block *blocks[BUCKETS];
static bool counting;
static const char *out;

static void count(unsigned int cpu, void *data)
{
	struct block *block = data;

	(void)cpu;
	block->runs += counting;
}

static void mark(unsigned int cpu, void *data)
{
	(void)cpu;
	counting = data != NULL;
}

// A block is translated again now and then: it keeps its count.
static struct block *known(uint64_t address, size_t instructions)
{
	struct block **bucket = &blocks[(address * UINT64_C(0x9E3779B97F4A7C15)) >> 48];
	struct block *block;

	for (block = *bucket; block; block = block->next)
		if (block->address == address && block->instructions == instructions)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	block->address = address;
	block->instructions = instructions;
	block->next = *bucket;
	*bucket = block;
	return block;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);

	(void)id;
	if (address == MARK)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, mark, NO_REGISTERS, &counting);
	else if (address == MARK + 0x800)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, mark, NO_REGISTERS, NULL);
	else
		qemu_plugin_register_vcpu_tb_exec_cb(tb, count, NO_REGISTERS, known(address, qemu_plugin_tb_n_insns(tb)));
}

static void report(plugin_id id, void *data)
{
	FILE *file = fopen(out, "w");

	(void)id;
	(void)data;
	if (!file) {
		perror(out);
		return;
	}
	for (unsigned int i = 0; i < BUCKETS; i++)
		for (struct block *block = blocks[i]; block; block = block->next)
			if (block->runs)
				fprintf(file, "%" PRIx64 " %zu %" PRIu64 "\n", block->address, block->instructions, block->runs);
	fclose(file);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
	if (!out) {
		fprintf(stderr, "counts: the argument out= is missing\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, report, NULL);
	return 0;
}
