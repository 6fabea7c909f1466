// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The guard inside the kernel: refuses what the policy of an AI agent forbids, to it and to all that it ever starts.
 * Nobody else is looked at beyond that they are not one. Decisions come from maps that the agent fills; programs and
 * maps are pinned, so that they hold without it.
 */
#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "judge.h"

char _license[] SEC("license") = "Dual MIT/GPL";

#define FMODE_READ 1
#define FMODE_WRITE 2
#define OPENED_TO_EXECUTE 0x20
#define PROT_EXEC 4
#define RENAME_EXCHANGE 2
#define S_IFMT 0170000
#define S_IFBLK 0060000
#define S_IFCHR 0020000

/* --- Who belongs to an AI agent --- */

SEC("lsm/task_alloc")
int BPF_PROG(guard_task_alloc, struct task_struct *task, unsigned long clone_flags)
{
	__u32 group = group_of_current();
	if (!group)
		return 0;
	return answer(!bpf_task_storage_get(&identity, task, &group, BPF_LOCAL_STORAGE_GET_F_CREATE));
}

/* --- Programs --- */

SEC("lsm/bprm_check_security")
int BPF_PROG(guard_exec, struct linux_binprm *bprm)
{
	struct subject who;
	if (!is_governed(&who))
		return 0;
	struct dentry *dentry = bprm->file->f_path.dentry;
	/* A program without a name, in memory or removed, could be any: rules for programs cannot tell. */
	if (who.rules && who.rules->flags & POLICY_PROGRAMS && !dentry->d_inode->i_nlink) {
		struct about about = ABOUT(&who, .dentry = (__u64)dentry, .executing = true);
		return answer(refuse(&about, OP_EXECUTE));
	}
	return answer(judge(&who, dentry, BIT_EXECUTE, false));
}

/* The loader maps a program that it was given by name: only what a rule names is refused, libraries are no programs. */
SEC("lsm/mmap_file")
int BPF_PROG(guard_mmap, struct file *file, unsigned long wanted, unsigned long granted)
{
	struct subject who;
	if (!(granted & PROT_EXEC) || !file || !is_governed(&who))
		return 0;
	return answer(judge(&who, file->f_path.dentry, BIT_EXECUTE, true));
}

/* --- Files --- */

static __always_inline bool is_raw_device(struct inode *inode)
{
	__u32 kind = inode->i_mode & S_IFMT, device = inode->i_rdev;
	/* Memory of the machine: character devices 1:1, 1:2 and 1:4. */
	return kind == S_IFBLK || (kind == S_IFCHR && (device == 0x100001 || device == 0x100002 || device == 0x100004));
}

/* Number of the process that a file of /proc is about; 0: of none, a setting of the machine's. */
static __always_inline __u32 process_of(struct inode *inode)
{
	void *start = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct pid *pid = BPF_CORE_READ((struct proc_inode *)start, pid);
	return pid ? BPF_CORE_READ(pid, numbers[0].nr) : 0;
}

/* Settings of the machine can make the kernel start programs outside every group; a process's can make it go first. */
static __noinline int writes_to_proc_of_others(struct dentry *dentry)
{
	if (!dentry)
		return 0;
	struct dentry *above = dentry->d_parent;
	__u32 first = process_of(dentry->d_inode), second = process_of(above->d_inode);
	if (!first)
		return 1;
	return bpf_map_lookup_elem(&protected, &first) || bpf_map_lookup_elem(&protected, &second);
}

SEC("lsm/file_open")
int BPF_PROG(guard_open, struct file *file)
{
	struct subject who;
	/* Opened to be executed: that is decided where it is. */
	if (file->f_flags & OPENED_TO_EXECUTE || !is_governed(&who))
		return 0;
	struct dentry *dentry = file->f_path.dentry;
	__u32 mode = file->f_mode;
	__u32 operations = (mode & FMODE_READ ? BIT_READ : 0) | (mode & FMODE_WRITE ? BIT_WRITE : 0);
	struct about about = ABOUT(&who, .dentry = (__u64)dentry);
	if (is_raw_device(dentry->d_inode))
		return answer(refuse_a_way_around(&who, &about, mode & FMODE_WRITE ? OP_WRITE : OP_READ));
	if (mode & FMODE_WRITE && dentry->d_sb->s_magic == PROC_MAGIC && writes_to_proc_of_others(dentry))
		return answer(refuse_a_way_around(&who, &about, OP_WRITE));
	return answer(judge(&who, dentry, operations, false));
}

static __always_inline int judge_current(struct dentry *dentry, __u32 operations)
{
	struct subject who;
	if (!is_governed(&who))
		return 0;
	return answer(judge(&who, dentry, operations, false));
}

SEC("lsm/path_truncate")
int BPF_PROG(guard_truncate, const struct path *path)
{
	return judge_current(path->dentry, BIT_WRITE);
}

SEC("lsm/file_truncate")
int BPF_PROG(guard_ftruncate, struct file *file)
{
	return judge_current(file->f_path.dentry, BIT_WRITE);
}

SEC("lsm/path_unlink")
int BPF_PROG(guard_unlink, const struct path *folder, struct dentry *dentry)
{
	return judge_current(dentry, BIT_DELETE);
}

SEC("lsm/path_rmdir")
int BPF_PROG(guard_rmdir, const struct path *folder, struct dentry *dentry)
{
	return judge_current(dentry, BIT_DELETE);
}

SEC("lsm/path_mkdir")
int BPF_PROG(guard_mkdir, const struct path *folder, struct dentry *dentry)
{
	return judge_current(dentry, BIT_WRITE);
}

SEC("lsm/path_symlink")
int BPF_PROG(guard_symlink, const struct path *folder, struct dentry *dentry)
{
	return judge_current(dentry, BIT_WRITE);
}

SEC("lsm/path_mknod")
int BPF_PROG(guard_mknod, const struct path *folder, struct dentry *dentry, unsigned short mode)
{
	struct subject who;
	if (!is_governed(&who))
		return 0;
	__u32 kind = mode & S_IFMT;
	if (kind == S_IFBLK || kind == S_IFCHR) {
		struct about about = ABOUT(&who, .dentry = (__u64)dentry);
		return answer(refuse_a_way_around(&who, &about, OP_WRITE));
	}
	return answer(judge(&who, dentry, BIT_WRITE, false));
}

SEC("lsm/path_link")
int BPF_PROG(guard_link, struct dentry *from, const struct path *folder, struct dentry *to)
{
	struct subject who;
	if (!is_governed(&who))
		return 0;
	return answer(judge(&who, to, BIT_WRITE, false) || sheds_rules(&who, from, to));
}

SEC("lsm/path_rename")
int BPF_PROG(guard_rename, const struct path *from_folder, struct dentry *from, const struct path *to_folder,
	     struct dentry *to, unsigned int flags)
{
	struct subject who;
	if (!is_governed(&who))
		return 0;
	if (judge(&who, from, BIT_DELETE, false) || sheds_rules(&who, from, to))
		return answer(true);
	__u32 operations = to->d_inode ? BIT_WRITE | BIT_DELETE : BIT_WRITE;
	if (judge(&who, to, operations, false))
		return answer(true);
	return answer(flags & RENAME_EXCHANGE && sheds_rules(&who, to, from));
}

SEC("lsm/path_chmod")
int BPF_PROG(guard_chmod, const struct path *path)
{
	return judge_current(path->dentry, BIT_WRITE);
}

SEC("lsm/path_chown")
int BPF_PROG(guard_chown, const struct path *path)
{
	return judge_current(path->dentry, BIT_WRITE);
}

/* Times, among others. The kernel writes those of a file it opened itself, and calls it without having been asked. */
#define ASKED_FOR_TIMES (0x80 | 0x100)

SEC("lsm/inode_setattr")
int BPF_PROG(guard_setattr, struct dentry *dentry, struct iattr *attributes)
{
	return attributes->ia_valid & ASKED_FOR_TIMES ? judge_current(dentry, BIT_WRITE) : 0;
}

/* Since Linux 6.9 something else comes first; the agent loads the one that fits. */
SEC("lsm/inode_setattr")
int BPF_PROG(guard_setattr_mapped, void *idmap, struct dentry *dentry, struct iattr *attributes)
{
	return attributes->ia_valid & ASKED_FOR_TIMES ? judge_current(dentry, BIT_WRITE) : 0;
}

SEC("lsm/inode_setxattr")
int BPF_PROG(guard_setxattr, void *idmap, struct dentry *dentry)
{
	return judge_current(dentry, BIT_WRITE);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(guard_removexattr, void *idmap, struct dentry *dentry)
{
	return judge_current(dentry, BIT_WRITE);
}

/* A socket with a name is a file, speaking to it is writing to it: so rules can keep from what starts programs. */
SEC("lsm/unix_stream_connect")
int BPF_PROG(guard_unix_connect, struct sock *sock, struct sock *other)
{
	struct subject who;
	if (!is_governed(&who))
		return 0;
	struct unix_sock *peer = bpf_skc_to_unix_sock(other);
	if (!peer || !peer->path.dentry)
		return 0;
	return answer(judge(&who, peer->path.dentry, BIT_WRITE, false));
}

/* --- Mounts, namespaces, privileges --- */

static __always_inline int refuse_current(__u32 operation, struct dentry *dentry, __u32 number)
{
	struct subject who;
	if (!is_governed(&who))
		return 0;
	struct about about = ABOUT(&who, .dentry = (__u64)dentry, .number = number);
	return answer(refuse(&about, operation));
}

static __always_inline int refuse_current_where_enforced(__u32 operation, struct dentry *dentry, __u32 number)
{
	struct subject who;
	if (!is_governed(&who))
		return 0;
	struct about about = ABOUT(&who, .dentry = (__u64)dentry, .number = number);
	return answer(refuse_a_way_around(&who, &about, operation));
}

SEC("lsm/sb_mount")
int BPF_PROG(guard_mount, const char *source, const struct path *path)
{
	return refuse_current_where_enforced(OP_MOUNT, path->dentry, 0);
}

SEC("lsm/move_mount")
int BPF_PROG(guard_move_mount, const struct path *from, const struct path *to)
{
	return refuse_current_where_enforced(OP_MOUNT, to->dentry, 0);
}

SEC("lsm/sb_umount")
int BPF_PROG(guard_umount)
{
	return refuse_current_where_enforced(OP_MOUNT, NULL, 0);
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(guard_pivot_root, const struct path *from, const struct path *to)
{
	return refuse_current_where_enforced(OP_MOUNT, to->dentry, 0);
}

SEC("lsm/sb_kern_mount")
int BPF_PROG(guard_kern_mount)
{
	return refuse_current_where_enforced(OP_MOUNT, NULL, 0);
}

SEC("lsm/sb_remount")
int BPF_PROG(guard_remount)
{
	return refuse_current_where_enforced(OP_MOUNT, NULL, 0);
}

SEC("lsm/userns_create")
int BPF_PROG(guard_userns)
{
	return refuse_current_where_enforced(OP_NAMESPACE, NULL, 0);
}

SEC("lsm/bpf")
int BPF_PROG(guard_bpf, int command)
{
	return refuse_current(OP_BPF, NULL, command);
}

/* Modules, other kernels. Firmware and such the kernel reads for itself. */
#define IS_CODE(kind) ((kind) == 2 || (kind) == 3 || (kind) == 4)

SEC("lsm/kernel_load_data")
int BPF_PROG(guard_load_data, int kind)
{
	return IS_CODE(kind) ? refuse_current_where_enforced(OP_PRIVILEGE, NULL, kind) : 0;
}

SEC("lsm/kernel_read_file")
int BPF_PROG(guard_read_file, struct file *file, int kind)
{
	return IS_CODE(kind) ? refuse_current_where_enforced(OP_PRIVILEGE, NULL, kind) : 0;
}

#define TIOCSTI 0x5412
#define TIOCLINUX 0x541c

SEC("lsm/file_ioctl")
int BPF_PROG(guard_ioctl, struct file *file, unsigned int command)
{
	return command == TIOCSTI || command == TIOCLINUX ? refuse_current_where_enforced(OP_PRIVILEGE, NULL, command) : 0;
}

SEC("lsm/file_ioctl_compat")
int BPF_PROG(guard_ioctl_compat, struct file *file, unsigned int command)
{
	return command == TIOCSTI || command == TIOCLINUX ? refuse_current_where_enforced(OP_PRIVILEGE, NULL, command) : 0;
}

/* --- Other processes --- */

static __always_inline int refuse_at(struct task_struct *task, __u32 operation)
{
	return is_protected(task) ? refuse_current(operation, NULL, task->tgid) : 0;
}

SEC("lsm/task_kill")
int BPF_PROG(guard_kill, struct task_struct *task, struct kernel_siginfo *info, int signal)
{
	return signal ? refuse_at(task, OP_SIGNAL) : 0;
}

/* Signals that come with input or output: who caused it says nothing about who arranged it, and we use none. */
SEC("lsm/file_send_sigiotask")
int BPF_PROG(guard_sigio, struct task_struct *task)
{
	return answer(is_protected(task));
}

#define PTRACE_MODE_ATTACH 2

/* Whoever may trace a process outside the tree can have it do everything. */
SEC("lsm/ptrace_access_check")
int BPF_PROG(guard_ptrace, struct task_struct *task, unsigned int mode)
{
	struct subject who;
	if (!is_governed(&who))
		return 0;
	bool refused = is_protected(task);
	if (mode & PTRACE_MODE_ATTACH) {
		__u32 *group = bpf_task_storage_get(&identity, task, 0, 0);
		refused |= !group || *group != who.group;
	}
	if (!refused)
		return 0;
	struct about about = ABOUT(&who, .number = task->tgid);
	return answer(refuse(&about, OP_TRACE));
}

SEC("lsm/task_setrlimit")
int BPF_PROG(guard_setrlimit, struct task_struct *task)
{
	return refuse_at(task, OP_SIGNAL);
}

SEC("lsm/task_setscheduler")
int BPF_PROG(guard_setscheduler, struct task_struct *task)
{
	return refuse_at(task, OP_SIGNAL);
}

SEC("lsm/task_setnice")
int BPF_PROG(guard_setnice, struct task_struct *task)
{
	return refuse_at(task, OP_SIGNAL);
}

/* --- Network --- */

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define AF_ALG 38
#define SOCK_STREAM 1
#define SOCK_RAW 3
#define NETLINK_NETFILTER 12
#define QUIC_PORT 443

/* Sockets that the rules for connections cannot follow. */
static __always_inline bool is_uncontrolled(int family, int type, int protocol)
{
	switch (family) {
	case AF_UNIX:
	case AF_ALG:
		return false;
	case AF_NETLINK:
		return protocol == NETLINK_NETFILTER;
	case AF_INET:
	case AF_INET6:
		/* TCP, UDP, and TCP over several paths. */
		return (type & 0xf) == SOCK_RAW || !(protocol == 0 || protocol == 6 || protocol == 17 || protocol == 262);
	default:
		return true;
	}
}

SEC("lsm/socket_create")
int BPF_PROG(guard_socket, int family, int type, int protocol, int for_kernel)
{
	struct subject who;
	if (for_kernel || !is_uncontrolled(family, type, protocol) || !is_governed(&who))
		return 0;
	bool refused = !who.rules || who.rules->flags & POLICY_NETWORK;
	struct about about = ABOUT(&who, .number = family, .blocked = refused);
	record(&about, OP_SOCKET);
	return answer(refused);
}

/* IPv4 as IPv4 within IPv6, so that both spellings are one. @returns 0 when it is no address of these */
static __always_inline int read_destination(struct destination_key *to, const void *address, int length, __u32 unnamed)
{
	__u8 raw[28] = {};
	if (length < 8)
		return 0;
	bpf_probe_read_kernel(raw, sizeof(raw), address);
	__u32 family = *(__u16 *)raw;
	if (family == AF_UNSPEC)
		family = unnamed;
	to->prefix_bits = 32 + 128;
	to->port = *(__u16 *)(raw + 2);
	to->reserved = 0;
	if (family == AF_INET) {
		__builtin_memset(to->address, 0, 10);
		to->address[10] = to->address[11] = 0xff;
		__builtin_memcpy(to->address + 12, raw + 4, 4);
		return AF_INET;
	}
	if (family != AF_INET6 || length < 24)
		return 0;
	__builtin_memcpy(to->address, raw + 8, 16);
	return AF_INET6;
}

static __always_inline bool is_loopback(const __u8 *address)
{
	const __u64 *high = (const __u64 *)address;
	if (high[0])
		return false;
	if (address[8] == 0 && address[9] == 0 && address[10] == 0xff && address[11] == 0xff)
		return address[12] == 127;
	return high[1] == bpf_cpu_to_be64(1);
}

static __always_inline bool is_proxy(const struct settings *set, const struct destination_key *to)
{
	__u16 port = bpf_ntohs(to->port);
	if (!port || !is_loopback(to->address))
		return false;
	return port == set->proxy_ports[0] || port == set->proxy_ports[1] || port == set->proxy_ports[2] ||
	       port == set->proxy_ports[3];
}

static __always_inline bool is_permitted(const struct destination_key *to)
{
	struct destination_key key = *to;
	if (bpf_map_lookup_elem(&destinations, &key))
		return true;
	key.port = 0;
	return bpf_map_lookup_elem(&destinations, &key);
}

/* @can_be_led: other programs see it and may lead it to the proxy */
static __noinline int judge_destination(struct subject *who, struct destination_key *to, __u32 family, __u32 operation,
					bool can_be_led)
{
	if (!who || !to)
		return 0;
	struct about about = ABOUT(who, .family = family, .port = to->port);
	__builtin_memcpy(about.address, to->address, 16);
	struct settings *set = our_settings();
	if (!who->rules || !set)
		return refuse(&about, operation);
	if (is_proxy(set, to))
		return 0;
	bool late = set->deadline && bpf_ktime_get_boot_ns() > set->deadline;
	if (!late && ((set->redirected && can_be_led) || is_permitted(to)))
		return 0;
	about.blocked = who->rules->flags & POLICY_NETWORK ? 1 : 0;
	record(&about, operation);
	return about.blocked;
}

SEC("lsm/socket_connect")
int BPF_PROG(guard_connect, struct socket *socket, struct sockaddr *address, int length)
{
	struct subject who;
	struct destination_key to;
	if (!is_governed(&who))
		return 0;
	/* Without a family it ends a connection. */
	__u32 family = read_destination(&to, address, length, AF_UNSPEC);
	if (!family)
		return 0;
	return answer(judge_destination(&who, &to, family, OP_CONNECT,
					socket->type == SOCK_STREAM || bpf_ntohs(to.port) != QUIC_PORT));
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(guard_sendmsg, struct socket *socket, struct msghdr *message)
{
	struct subject who;
	struct destination_key to;
	if (!message->msg_name || !is_governed(&who))
		return 0;
	struct sock *sock = socket->sk;
	if (!sock)
		return 0;
	__u32 unnamed = sock->__sk_common.skc_family;
	if (unnamed != AF_INET && unnamed != AF_INET6)
		return 0;
	/* Data with the first packet begins a connection that no hook for connect() sees. UDP takes an address without a family for one of IPv4. */
	__u32 family = read_destination(&to, message->msg_name, message->msg_namelen, AF_INET);
	if (!family)
		return 0;
	return answer(judge_destination(&who, &to, family, OP_SEND,
					socket->type != SOCK_STREAM && bpf_ntohs(to.port) != QUIC_PORT));
}
