/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the kernel programs and the agent share. The agent's side is src/guard/lsm/layout.ts: change both, and the
 * version there.
 */
#pragma once

/*
 * A rank says which rule of a list matched: its number, times two, plus one where it denies; the smaller rank was
 * written earlier and wins. After all rules comes what holds where none matched, RANK_DEFAULT, plus one where the
 * list denies by default; last of all RANK_NONE, for entries that say nothing. Ranks are 15 bits wide, so that four
 * of them can be compared at once in a 64-bit word.
 */
#define RANK_NONE 0x7ffeULL
#define LANES(value) ((value) * 0x0001000100010001ULL)
#define TOP_BITS LANES(0x8000ULL)
#define DENY_BITS LANES(1ULL)

/* Four operations on files, for each eight lists (two words). List 0 is the product's own protection. */
enum operation { OP_READ, OP_WRITE, OP_DELETE, OP_EXECUTE, OPERATIONS };
#define BIT_READ 1
#define BIT_WRITE 2
#define BIT_DELETE 4
#define BIT_EXECUTE 8
#define WORDS (OPERATIONS * 2)

/* Operations that are not on files, in events only. */
enum other_operation {
	OP_CONNECT = 16,
	OP_SEND,
	OP_SOCKET,
	OP_SIGNAL,
	OP_TRACE,
	OP_MOUNT,
	OP_NAMESPACE,
	OP_BPF,
	OP_PRIVILEGE,
};

/* Folders above a file that are looked at; what lies deeper is refused. */
#define MAX_DEPTH 64
#define NAME_BYTES 64
#define AFFIX_BYTES 15

struct words {
	__u64 word[WORDS];
};

struct policy {
	__u32 flags;
	__u32 reserved;
	/* Bit 0 of each rank's place: this list is enforced. */
	__u64 enforced[2];
	/* What holds for any file: rules that name none, and defaults. */
	struct words any;
};

#define POLICY_NAMES 1 /* names of files matter */
#define POLICY_NAMES_BELOW 2 /* names of folders above matter */
#define POLICY_AFFIXES 4 /* beginnings or ends of names matter */
#define POLICY_NETWORK 8 /* connections are refused, not only recorded */
#define POLICY_PROGRAMS 16 /* it says something about programs: those without a name are refused */

/* What is known about a file or a name. */
struct ranks {
	struct words self;
	/* For what lies directly in this folder. */
	struct words child;
	/* For this and all that lies below. */
	struct words below;
};

struct inode_key {
	__u32 policy;
	__u32 dev;
	__u64 ino;
};

/* With dev and ino 0: a name anywhere. Otherwise the name in this folder. */
struct name_key {
	__u32 policy;
	__u32 dev;
	__u64 ino;
	char name[NAME_BYTES];
};

struct affix_key {
	__u32 prefix_bits;
	__u32 policy;
	/* 0: the name begins with it; 1: the name, read backwards, begins with it. */
	__u8 backwards;
	char text[AFFIX_BYTES];
};

struct settings {
	/* Since boot, in nanoseconds. After it AI agents of policies that enforce the network get no connection. 0: never. */
	__u64 deadline;
	/* Connections are led to the proxy by other programs: what is not for the proxy may begin. */
	__u32 redirected;
	/* Depth of the groups' control groups below the root of the hierarchy; 0: unknown. */
	__u32 level;
	/* Loopback ports of the proxy; 0: none. */
	__u16 proxy_ports[4];
};

struct destination_key {
	__u32 prefix_bits;
	/* Network order; 0 in the map: any port. */
	__u16 port;
	__u16 reserved;
	__u8 address[16];
};

/* A power of two. */
#define SHOWN_PARTS 16
#define PART_BYTES 48
#define SHOWN_ARGUMENTS 8
#define ARGUMENT_BYTES 64
#define SHOWN_ANCESTORS 6

struct ancestor {
	__u32 pid;
	char comm[16];
};

struct event {
	/* Since boot, in nanoseconds. */
	__u64 at;
	/* Ranks of the operation, two words; both 0: a protection of the product itself. */
	__u64 ranks[2];
	__u32 group;
	__u32 policy;
	__u32 pid;
	__u32 dev;
	__u16 operation;
	__u16 blocked;
	/* Of a destination; port in host order. */
	__u16 family;
	__u16 port;
	__u8 address[16];
	char comm[16];
	/* A number that goes with the operation: process, call, family of sockets. */
	__u32 number;
	__u32 parts;
	struct ancestor ancestors[SHOWN_ANCESTORS];
	/* From the file upwards. */
	char part[SHOWN_PARTS][PART_BYTES];
	char argument[SHOWN_ARGUMENTS][ARGUMENT_BYTES];
};
