/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Tells the agent what was refused, or would have been. */
#pragma once
#include "subject.h"

/* What an event is about. Plain numbers: the verifier knows of no pointers in it, and looks at `record` once. */
struct about {
	__u32 group;
	__u32 policy;
	/* Address; 0: of no file. */
	__u64 dentry;
	__u64 ranks[2];
	__u8 address[16];
	__u16 family;
	/* Network order. */
	__u16 port;
	__u32 number;
	__u32 executing;
	__u32 blocked;
};

struct part_walk {
	__u64 dentry;
	struct event *event;
};

static long add_part(__u32 index, struct part_walk *walk)
{
	struct dentry *dentry = (struct dentry *)walk->dentry;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	if (index >= SHOWN_PARTS || parent == dentry)
		return 1;
	/* The verifier forgets the comparison above. */
	__u32 slot = index;
	asm volatile("%0 &= %1" : "+r"(slot) : "i"(SHOWN_PARTS - 1));
	bpf_probe_read_kernel_str(walk->event->part[slot], PART_BYTES, BPF_CORE_READ(dentry, d_name.name));
	walk->event->parts = index + 1;
	walk->dentry = (__u64)parent;
	return 0;
}

struct argument_walk {
	__u64 list;
	struct event *event;
};

static long add_argument(__u32 index, struct argument_walk *walk)
{
	__u64 text = 0;
	if (index >= SHOWN_ARGUMENTS)
		return 1;
	if (bpf_probe_read_user(&text, sizeof(text), (void *)(walk->list + 8 * index)) || !text)
		return 1;
	__u32 slot = index;
	asm volatile("%0 &= %1" : "+r"(slot) : "i"(SHOWN_ARGUMENTS - 1));
	bpf_probe_read_user_str(walk->event->argument[slot], ARGUMENT_BYTES, (void *)text);
	return 0;
}

/* What the process asked to be executed: still in its own memory, where it may have changed it since. */
static __always_inline __u64 argument_list(void)
{
#ifdef __TARGET_ARCH_x86
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return BPF_CORE_READ(regs, orig_ax) == 322 ? BPF_CORE_READ(regs, dx) : BPF_CORE_READ(regs, si);
#else
	struct user_pt_regs *regs = (struct user_pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return BPF_CORE_READ(regs, regs[8]) == 281 ? BPF_CORE_READ(regs, regs[2]) : BPF_CORE_READ(regs, regs[1]);
#endif
}

static __always_inline void add_ancestors(struct event *event)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	for (int i = 0; i < SHOWN_ANCESTORS; i++) {
		/* Process 0 is its own parent. */
		task = BPF_CORE_READ(task, real_parent);
		event->ancestors[i].pid = BPF_CORE_READ(task, tgid);
		bpf_probe_read_kernel_str(event->ancestors[i].comm, sizeof(event->ancestors[i].comm), &task->comm);
	}
}

__noinline int record(struct about *about, __u32 operation)
{
	if (!about)
		return 0;
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__u32 first = 0;
		__u64 *count = bpf_map_lookup_elem(&lost, &first);
		if (count)
			__sync_fetch_and_add(count, 1);
		return 0;
	}
	__builtin_memset(event, 0, __builtin_offsetof(struct event, part));
	for (int i = 0; i < SHOWN_PARTS; i++)
		event->part[i][0] = 0;
	for (int i = 0; i < SHOWN_ARGUMENTS; i++)
		event->argument[i][0] = 0;
	event->at = bpf_ktime_get_boot_ns();
	event->ranks[0] = about->ranks[0];
	event->ranks[1] = about->ranks[1];
	event->group = about->group;
	event->policy = about->policy;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->operation = operation;
	event->blocked = about->blocked;
	event->number = about->number;
	event->family = about->family;
	event->port = bpf_ntohs(about->port);
	__builtin_memcpy(event->address, about->address, 16);
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	struct dentry *dentry = (struct dentry *)about->dentry;
	if (dentry) {
		event->dev = BPF_CORE_READ(dentry, d_sb, s_dev);
		struct part_walk parts = { .dentry = (__u64)dentry, .event = event };
		bpf_loop(SHOWN_PARTS, add_part, &parts, 0);
	}
	if (about->executing) {
		struct argument_walk arguments = { .list = argument_list(), .event = event };
		bpf_loop(SHOWN_ARGUMENTS, add_argument, &arguments, 0);
	}
	add_ancestors(event);
	bpf_ringbuf_submit(event, 0);
	return 0;
}
