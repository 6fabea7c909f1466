/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the rules say about a file: of all that name it, its own name, or a folder above it, the first of each list.
 * Files are known by device and inode, so that no link, mount or spelling of a path leads past a rule.
 */
#pragma once
#include "subject.h"

#define S_NO_USER (1UL << 31)
#define NFS_MAGIC 0x6969
#define PROC_MAGIC 0x9fa0

struct walk {
	struct dentry *dentry;
	struct words best;
	__u32 policy;
	__u32 flags;
	__u32 dev;
	/* The end was reached; what is deeper is not known. */
	__u32 complete;
};

/* The smaller of each of four ranks. */
static __always_inline __u64 smaller(__u64 a, __u64 b)
{
	__u64 lanes = (((a | TOP_BITS) - b) & TOP_BITS) >> 15;
	/* Times 0xffff, in a way that the verifier follows quickly. */
	__u64 shifted = lanes << 16;
	asm volatile("" : "+r"(shifted));
	__u64 takes_b = shifted - lanes;
	return (b & takes_b) | (a & ~takes_b);
}

/* Not static: the verifier then looks at it once, not at each of the many calls. */
__noinline int merge(struct words *best, struct words *ranks)
{
	if (!best || !ranks)
		return 0;
	for (int i = 0; i < WORDS; i++)
		best->word[i] = smaller(best->word[i], ranks->word[i]);
	return 0;
}

/* @depth: folders between the file and what the ranks are of */
static __always_inline void merge_ranks(struct words *best, struct ranks *ranks, __u32 depth)
{
	merge(best, &ranks->below);
	if (depth == 0)
		merge(best, &ranks->self);
	if (depth == 1)
		merge(best, &ranks->child);
}

__noinline int merge_inode(struct words *best, __u32 policy, __u32 dev, __u64 ino, __u32 depth)
{
	struct inode_key key = { .policy = policy, .dev = dev, .ino = ino };
	struct ranks *found = bpf_map_lookup_elem(&inodes, &key);
	if (best && found)
		merge_ranks(best, found, depth);
	return 0;
}

/* A name and where it is, in plain numbers. */
struct named {
	__u32 policy;
	__u32 dev;
	__u64 folder;
	__u32 depth;
	__u32 flags;
	/* Its address, and how long it is. */
	__u64 name;
	__u32 length;
	__u32 reserved;
};

__noinline int merge_affix(struct words *best, struct name_key *name, __u32 length)
{
	if (!best || !name)
		return 0;
	struct affix_key key = { .prefix_bits = 8 * (4 + 1 + AFFIX_BYTES), .policy = name->policy };
	__builtin_memcpy(key.text, name->name, AFFIX_BYTES);
	struct ranks *found = bpf_map_lookup_elem(&affixes, &key);
	if (found)
		merge_ranks(best, found, 0);
	key.backwards = 1;
	for (__u32 i = 0; i < AFFIX_BYTES; i++) {
		__u32 at = length - 1 - i;
		/* All ones within the name, else 0; without a branch, of which the verifier would follow both each time. */
		__u32 within = at / NAME_BYTES;
		within |= -within;
		asm volatile("" : "+r"(within));
		within >>= 31;
		asm volatile("" : "+r"(within));
		key.text[i] = name->name[at & (NAME_BYTES - 1)] & (within - 1);
	}
	found = bpf_map_lookup_elem(&affixes, &key);
	if (found)
		merge_ranks(best, found, 0);
	return 0;
}

__noinline int merge_names(struct words *best, struct named *named)
{
	if (!best || !named)
		return 0;
	struct name_key key = { .policy = named->policy };
	__u32 length = named->length;
	if (length == 0 || length >= NAME_BYTES)
		length = NAME_BYTES - 1;
	if (bpf_probe_read_kernel_str(key.name, sizeof(key.name), (void *)named->name) < 0)
		return 0;
	struct ranks *found = bpf_map_lookup_elem(&names, &key);
	if (found)
		merge_ranks(best, found, named->depth);
	if (named->depth == 0 && named->flags & POLICY_AFFIXES)
		merge_affix(best, &key, length);
	key.dev = named->dev;
	key.ino = named->folder;
	found = bpf_map_lookup_elem(&names, &key);
	if (found)
		merge_ranks(best, found, named->depth);
	return 0;
}

static long step(__u32 depth, struct walk *walk)
{
	struct dentry *dentry = walk->dentry;
	struct dentry *parent = dentry->d_parent;
	/* Of a file that is not there yet the number is 0, which no file has. */
	merge_inode(&walk->best, walk->policy, walk->dev, dentry->d_inode->i_ino, depth);
	if (walk->flags & (depth ? POLICY_NAMES_BELOW : POLICY_NAMES)) {
		struct named named = {
			.policy = walk->policy,
			.dev = walk->dev,
			.folder = parent->d_inode->i_ino,
			.depth = depth,
			.flags = walk->flags,
			.name = (__u64)dentry->d_name.name,
			.length = dentry->d_name.len,
		};
		merge_names(&walk->best, &named);
	}
	if (parent == dentry) {
		walk->complete = 1;
		return 1;
	}
	walk->dentry = parent;
	return 0;
}

/* @only_named: rules for any file and defaults are left out */
static __always_inline void walk_up(struct walk *walk, struct subject *who, struct dentry *dentry, bool only_named)
{
	walk->dentry = dentry;
	walk->policy = who->policy;
	walk->flags = who->rules->flags;
	walk->dev = dentry->d_sb->s_dev;
	walk->complete = 0;
	for (int i = 0; i < WORDS; i++)
		walk->best.word[i] = only_named ? LANES(RANK_NONE) : who->rules->any.word[i];
	bpf_loop(MAX_DEPTH, step, walk, 0);
}

/* Neither too deep, nor opened by a handle without its folders being known: where a file is must be known. */
static __always_inline bool is_place_known(const struct walk *walk, struct dentry *start)
{
	if (!walk->complete)
		return false;
	struct super_block *sb = start->d_sb;
	if (walk->dentry == sb->s_root)
		return true;
	return (sb->s_flags & S_NO_USER) || sb->s_magic == NFS_MAGIC;
}
