/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Who acts: the AI agent that the current task belongs to, and what holds for it. */
#pragma once
#include "maps.h"

#define MAX_LEVEL 8
#define NS_PER_TICK 10000000ULL

struct subject {
	__u32 group;
	__u32 policy;
	struct policy *rules;
};

static __always_inline struct settings *our_settings(void)
{
	__u32 first = 0;
	return bpf_map_lookup_elem(&settings, &first);
}

static __always_inline __u32 *group_at(int level)
{
	__u64 id = bpf_get_current_ancestor_cgroup_id(level);
	return id ? bpf_map_lookup_elem(&groups, &id) : NULL;
}

/* From the control group, once; afterwards a task carries it with it. */
static __noinline __u32 group_of_current(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 *known = bpf_task_storage_get(&identity, task, 0, 0);
	if (known)
		return *known;
	struct settings *set = our_settings();
	__u32 *found = NULL;
	if (set && set->level) {
		found = group_at(set->level);
	} else {
		for (int level = 1; level <= MAX_LEVEL && !found; level++)
			found = group_at(level);
	}
	if (!found)
		return 0;
	__u32 group = *found;
	bpf_task_storage_get(&identity, task, &group, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return group;
}

/* Group numbers begin at 1. With rules NULL something is governed that has no policy: the caller refuses. */
static __always_inline bool is_governed(struct subject *who)
{
	who->group = group_of_current();
	if (!who->group)
		return false;
	__u32 *policy = bpf_map_lookup_elem(&assigned, &who->group);
	who->policy = policy ? *policy : 0;
	who->rules = bpf_map_lookup_elem(&policies, &who->policy);
	return true;
}

static __always_inline bool is_protected(struct task_struct *task)
{
	__u32 tgid = task->tgid;
	__u64 *start = bpf_map_lookup_elem(&protected, &tgid);
	return start && task->group_leader->start_boottime / NS_PER_TICK == *start;
}
