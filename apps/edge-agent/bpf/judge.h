/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
#pragma once
#include "record.h"
#include "walk.h"

#define REFUSED (-1) /* -EPERM */

/* Newer kernels load a program only when they can see that it returns nothing but 0 or an error. */
static __always_inline int answer(bool refused)
{
	int result = 0;
	if (refused)
		asm volatile("%0 = -1" : "=r"(result));
	return result;
}

#define ABOUT(who, ...)                                                \
	{                                                              \
		.group = (who)->group, .policy = (who)->policy, __VA_ARGS__ \
	}

/* A protection of the product itself: always enforced. */
static __always_inline int refuse(struct about *about, __u32 operation)
{
	about->blocked = 1;
	record(about, operation);
	return 1;
}

/* Ways around the rules: where the rules are only watched, so are they. */
static __always_inline int refuse_a_way_around(struct subject *who, struct about *about, __u32 operation)
{
	about->blocked = !who->rules || who->rules->flags & POLICY_NETWORK ? 1 : 0;
	record(about, operation);
	return about->blocked;
}

static __always_inline bool denies(const __u64 *ranks, const struct policy *rules, bool enforced)
{
	__u64 first = ranks[0] & DENY_BITS, second = ranks[1] & DENY_BITS;
	if (enforced)
		return (first & rules->enforced[0]) | (second & rules->enforced[1]);
	return first | second;
}

/* @operations: bits. Records the first that is denied. @returns 1 when it is refused */
static __noinline int judge(struct subject *who, struct dentry *dentry, __u32 operations, __u32 how)
{
	if (!who || !dentry)
		return 0;
	struct about about = ABOUT(who, .dentry = (__u64)dentry, .executing = operations & BIT_EXECUTE);
	__u32 found = OPERATIONS, blocked = 1;
	struct walk walk;
	if (who->rules) {
		walk_up(&walk, who, dentry, how);
		if (is_place_known(&walk, dentry)) {
			blocked = 0;
			for (__u32 op = 0; op < OPERATIONS; op++) {
				if (!(operations & (1 << op)) || blocked)
					continue;
				__u64 *ranks = &walk.best.word[2 * op];
				blocked = denies(ranks, who->rules, true);
				if (!blocked && (found != OPERATIONS || !denies(ranks, who->rules, false)))
					continue;
				found = op;
				about.ranks[0] = ranks[0];
				about.ranks[1] = ranks[1];
			}
			if (found == OPERATIONS)
				return 0;
		}
	}
	if (found == OPERATIONS)
		found = operations & BIT_READ ? OP_READ : operations & BIT_WRITE ? OP_WRITE : operations & BIT_DELETE ? OP_DELETE : OP_EXECUTE;
	about.blocked = blocked;
	record(&about, found);
	return blocked;
}

/*
 * Whether a file would lose a prohibition by getting another name or place: with a second name elsewhere, what is
 * forbidden under the first could be done under that.
 */
static __noinline int sheds_rules(struct subject *who, struct dentry *from, struct dentry *to)
{
	if (!who || !from || !to || !who->rules)
		return 1;
	struct about about = ABOUT(who, .dentry = (__u64)from, .blocked = 1);
	struct walk before, after;
	walk_up(&before, who, from, false);
	walk_up(&after, who, to, false);
	__u32 found = OPERATIONS;
	for (__u32 op = 0; op < OPERATIONS; op++) {
		__u64 first = before.best.word[2 * op], second = before.best.word[2 * op + 1];
		__u64 lost = first & ~after.best.word[2 * op] & DENY_BITS & who->rules->enforced[0];
		lost |= second & ~after.best.word[2 * op + 1] & DENY_BITS & who->rules->enforced[1];
		if (!lost)
			continue;
		found = op;
		about.ranks[0] = first;
		about.ranks[1] = second;
	}
	if (found == OPERATIONS)
		return 0;
	record(&about, found);
	return 1;
}
