// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/*
 * The network of AI agents: their connections go to the agent's proxy, their name look-ups to its resolver, whatever
 * would go past both is refused (enforce) or recorded (monitor).
 *
 * Attached to the product's own control group, so that it runs for sockets of AI agents and for nobody else's. The
 * layouts of what the agent shares with it are in src/guard/network/kernel-layout.ts.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>

char _license[] SEC("license") = "Dual MIT/GPL";

/* The first device of every network namespace (net/flow.h). */
#define LOOPBACK_IFINDEX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOL_SOCKET 1
#define SO_BINDTODEVICE 25
#define DNS_PORT 53
/* What passes all the same is recorded at most this often for a socket and a destination. */
#define SAME_EVENT_NS 10000000000ULL
/* How deep below the root of the hierarchy the product's control group may be. */
#define DEEPEST 16

enum mode { MONITOR = 0, ENFORCE = 1 };
enum operation { CONNECT = 1, SEND = 2, SOCKET = 3 };
enum verdict { REFUSE = 0, PASS = 1, REDIRECT = 2 };

/* IPv4 as ::ffff:a.b.c.d; both in network byte order. */
struct endpoint {
	__u32 address[4];
	__u16 port;
	__u16 family; /* of the socket */
};

/* Who opened a connection, and where it was to go. */
struct original {
	struct endpoint to;
	__u32 pid;
	__u64 started; /* ns since boot, of the process */
	__u64 group;   /* id of the control group of the AI agent */
	__u64 cookie;
	__u32 uid;
	__u32 protocol;
	char name[16];
};

/* The AI agent's end of a connection to the agent, as the agent sees it. */
struct client {
	__u32 address[4];
	__u16 port; /* host byte order */
	__u16 protocol;
};

struct socket_state {
	struct original original;
	struct client client;
	struct endpoint last_event;
	__u64 last_event_at;
	__u32 redirected;
};

struct settings {
	__u64 folder;   /* id of the product's control group */
	__u64 netns;    /* cookie of the agent's network namespace */
	__u64 deadline; /* CLOCK_MONOTONIC, ns: until then the agent counts as well in monitor mode */
	__u16 tcp4, tcp6, dns4, dns6; /* network byte order; 0: does not listen there */
	__u32 default_mode;
	__u32 pad;
};

struct event {
	__u64 at; /* CLOCK_MONOTONIC, ns */
	__u64 group;
	struct endpoint to;
	__u32 pid;
	__u32 uid;
	__u16 operation;
	__u16 blocked;
	__u16 type;
	__u16 protocol;
	char name[16];
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

/* Mode by control group. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
} groups SEC(".maps");

/* Lives and ends with the socket, so that nobody's connections push out what is known of others'. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_state);
} sockets SEC(".maps");

/* Marks the sockets on which the agent listens: nobody who takes their port when it is gone is mistaken for it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} listeners SEC(".maps");

/* Redirected connections that the agent has not taken yet. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct client);
	__type(value, struct original);
} connections SEC(".maps");

/* Who asks the resolver over UDP. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct client);
	__type(value, struct original);
} askers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

/* What is read of the kernel's own structure; found by name when the program is loaded. */
struct task_struct {
	struct task_struct *group_leader;
	__u64 start_boottime;
} __attribute__((preserve_access_index));

static __always_inline int is_mapped(const struct endpoint *to)
{
	return to->address[0] == 0 && to->address[1] == 0 && to->address[2] == bpf_htonl(0xffff);
}

/* Reached without leaving this machine; 0.0.0.0 and :: mean the loopback when one connects to them. */
static __always_inline int is_loopback(const struct endpoint *to)
{
	if (is_mapped(to))
		return (bpf_ntohl(to->address[3]) >> 24) == 127 || to->address[3] == 0;
	return to->address[0] == 0 && to->address[1] == 0 && to->address[2] == 0 &&
	       (to->address[3] == 0 || to->address[3] == bpf_htonl(1));
}

static __always_inline __u64 current_group(const struct settings *now)
{
#pragma unroll
	for (int level = 1; level < DEEPEST; level++)
		if (bpf_get_current_ancestor_cgroup_id(level) == now->folder)
			return bpf_get_current_ancestor_cgroup_id(level + 1);
	return 0;
}

static __always_inline __u32 mode_of(const struct settings *now, __u64 group)
{
	__u32 *mode = bpf_map_lookup_elem(&groups, &group);

	return mode ? *mode : now->default_mode;
}

static __always_inline void write_event(struct event *event)
{
	__u32 zero = 0;
	__u64 *count;

	event->at = bpf_ktime_get_ns();
	if (bpf_ringbuf_output(&events, event, sizeof(*event), 0) == 0)
		return;
	count = bpf_map_lookup_elem(&lost, &zero);
	if (count)
		__sync_fetch_and_add(count, 1);
}

static __always_inline int same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->address[0] == b->address[0] && a->address[1] == b->address[1] &&
	       a->address[2] == b->address[2] && a->address[3] == b->address[3];
}

/* Whether this was said about this socket just now. */
static __always_inline int is_repeated(struct socket_state *state, const struct endpoint *to)
{
	__u64 now = bpf_ktime_get_ns();

	if (!state)
		return 0;
	if (same_place(&state->last_event, to) && state->last_event_at && now - state->last_event_at < SAME_EVENT_NS)
		return 1;
	state->last_event = *to;
	state->last_event_at = now;
	return 0;
}

static __always_inline void report(__u64 group, const struct endpoint *to, __u16 operation, __u16 blocked,
				   __u16 type, __u16 protocol)
{
	struct event event = {};

	event.group = group;
	event.to = *to;
	event.pid = bpf_get_current_pid_tgid() >> 32;
	event.uid = bpf_get_current_uid_gid();
	event.operation = operation;
	event.blocked = blocked;
	event.type = type;
	event.protocol = protocol;
	bpf_get_current_comm(event.name, sizeof(event.name));
	write_event(&event);
}

/* Whether the agent itself listens where connections would be led. */
static __always_inline int is_served(struct bpf_sock_addr *ctx, const struct endpoint *to, __u16 port4, __u16 port6,
				     int tcp)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size = sizeof(tuple.ipv4);
	struct bpf_sock *found;
	int served = 0;

	if (is_mapped(to)) {
		if (!port4)
			return 0;
		tuple.ipv4.daddr = bpf_htonl(INADDR_LOOPBACK);
		tuple.ipv4.saddr = bpf_htonl(INADDR_LOOPBACK);
		tuple.ipv4.dport = port4;
	} else {
		if (!port6)
			return 0;
		tuple.ipv6.daddr[3] = bpf_htonl(1);
		tuple.ipv6.saddr[3] = bpf_htonl(1);
		tuple.ipv6.dport = port6;
		size = sizeof(tuple.ipv6);
	}
	found = tcp ? bpf_sk_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0)
		    : bpf_sk_lookup_udp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!found)
		return 0;
	served = bpf_sk_storage_get(&listeners, found, 0, 0) != 0;
	bpf_sk_release(found);
	return served;
}

static __always_inline void remember(struct bpf_sock_addr *ctx, struct socket_state *state, const struct endpoint *to,
				     __u64 group)
{
	struct original *original = &state->original;
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	original->to = *to;
	original->pid = bpf_get_current_pid_tgid() >> 32;
	original->started = BPF_CORE_READ(task, group_leader, start_boottime);
	original->group = group;
	original->cookie = bpf_get_socket_cookie(ctx);
	original->uid = bpf_get_current_uid_gid();
	original->protocol = ctx->protocol;
	bpf_get_current_comm(original->name, sizeof(original->name));
}

static __always_inline int judge(struct bpf_sock_addr *ctx, const struct endpoint *to, __u16 operation)
{
	__u32 zero = 0;
	struct settings *now = bpf_map_lookup_elem(&settings, &zero);
	struct socket_state *state;
	int tcp = ctx->protocol == IPPROTO_TCP;
	int dns = to->port == bpf_htons(DNS_PORT);
	int lead, alive;
	__u64 group;
	__u32 mode;

	if (!now || !ctx->sk)
		return REFUSE;
	state = bpf_sk_storage_get(&sockets, ctx->sk, 0, 0);
	if (state)
		state->redirected = 0;
	/* The resolver of the system is on the loopback on many machines, and asks anybody anything. */
	if (is_loopback(to) && !dns && (!ctx->sk->bound_dev_if || ctx->sk->bound_dev_if == LOOPBACK_IFINDEX))
		return PASS;
	group = current_group(now);
	mode = mode_of(now, group);
	if (!state)
		state = bpf_sk_storage_get(&sockets, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state)
		return mode == ENFORCE ? REFUSE : PASS;
	remember(ctx, state, to, group);

	lead = tcp || (dns && ctx->protocol == IPPROTO_UDP);
	if (lead) {
		/* Another network namespace has another loopback. */
		alive = bpf_get_netns_cookie(ctx) == now->netns &&
			(mode == ENFORCE || bpf_ktime_get_ns() < now->deadline) &&
			(tcp ? is_served(ctx, to, now->tcp4, now->tcp6, 1)
			     : is_served(ctx, to, now->dns4, now->dns6, 0));
		if (alive) {
			/* Whoever insists on a device would not reach the loopback. */
			if (ctx->sk->bound_dev_if) {
				char none[4] = {};

				bpf_setsockopt(ctx, SOL_SOCKET, SO_BINDTODEVICE, none, sizeof(none));
			}
			state->redirected = 1;
			return REDIRECT;
		}
		if (mode != ENFORCE)
			return PASS;
	} else if (operation == CONNECT && ctx->protocol == IPPROTO_UDP) {
		/* Programs do this to learn their own address; what they send is judged packet by packet. */
		return PASS;
	}
	if (mode == ENFORCE || !is_repeated(state, to))
		report(group, to, operation, mode == ENFORCE, ctx->type, ctx->protocol);
	return mode == ENFORCE ? REFUSE : PASS;
}

static __always_inline struct endpoint endpoint4(struct bpf_sock_addr *ctx)
{
	struct endpoint to = {};

	to.address[2] = bpf_htonl(0xffff);
	to.address[3] = ctx->user_ip4;
	to.port = ctx->user_port;
	to.family = AF_INET;
	return to;
}

static __always_inline struct endpoint endpoint6(struct bpf_sock_addr *ctx)
{
	struct endpoint to = {};

	to.address[0] = ctx->user_ip6[0];
	to.address[1] = ctx->user_ip6[1];
	to.address[2] = ctx->user_ip6[2];
	to.address[3] = ctx->user_ip6[3];
	to.port = ctx->user_port;
	to.family = AF_INET6;
	return to;
}

static __always_inline int lead4(struct bpf_sock_addr *ctx, __u16 operation)
{
	__u32 zero = 0;
	struct endpoint to = endpoint4(ctx);
	struct settings *now = bpf_map_lookup_elem(&settings, &zero);
	int verdict = judge(ctx, &to, operation);

	if (verdict != REDIRECT)
		return verdict;
	if (!now)
		return REFUSE;
	ctx->user_ip4 = bpf_htonl(INADDR_LOOPBACK);
	ctx->user_port = ctx->protocol == IPPROTO_TCP ? now->tcp4 : now->dns4;
	return PASS;
}

static __always_inline int lead6(struct bpf_sock_addr *ctx, __u16 operation)
{
	__u32 zero = 0;
	struct endpoint to = endpoint6(ctx);
	struct settings *now = bpf_map_lookup_elem(&settings, &zero);
	int verdict = judge(ctx, &to, operation);
	int tcp = ctx->protocol == IPPROTO_TCP;

	if (verdict != REDIRECT)
		return verdict;
	if (!now)
		return REFUSE;
	if (is_mapped(&to)) {
		ctx->user_ip6[3] = bpf_htonl(INADDR_LOOPBACK);
		ctx->user_port = tcp ? now->tcp4 : now->dns4;
		return PASS;
	}
	ctx->user_ip6[0] = 0;
	ctx->user_ip6[1] = 0;
	ctx->user_ip6[2] = 0;
	ctx->user_ip6[3] = bpf_htonl(1);
	ctx->user_port = tcp ? now->tcp6 : now->dns6;
	return PASS;
}

SEC("cgroup/connect4")
int on_connect4(struct bpf_sock_addr *ctx)
{
	return lead4(ctx, CONNECT);
}

SEC("cgroup/connect6")
int on_connect6(struct bpf_sock_addr *ctx)
{
	return lead6(ctx, CONNECT);
}

/* Of sockets that are not connected, and of those that are when a datagram names another destination. */
SEC("cgroup/sendmsg4")
int on_sendmsg4(struct bpf_sock_addr *ctx)
{
	return lead4(ctx, SEND);
}

SEC("cgroup/sendmsg6")
int on_sendmsg6(struct bpf_sock_addr *ctx)
{
	return lead6(ctx, SEND);
}

/* Programs see the peer that they asked for. */
static __always_inline int show4(struct bpf_sock_addr *ctx)
{
	struct socket_state *state;

	if (!ctx->sk)
		return 1;
	state = bpf_sk_storage_get(&sockets, ctx->sk, 0, 0);
	if (!state || !state->redirected)
		return 1;
	ctx->user_ip4 = state->original.to.address[3];
	ctx->user_port = state->original.to.port;
	return 1;
}

static __always_inline int show6(struct bpf_sock_addr *ctx)
{
	struct socket_state *state;

	if (!ctx->sk)
		return 1;
	state = bpf_sk_storage_get(&sockets, ctx->sk, 0, 0);
	if (!state || !state->redirected)
		return 1;
	ctx->user_ip6[0] = state->original.to.address[0];
	ctx->user_ip6[1] = state->original.to.address[1];
	ctx->user_ip6[2] = state->original.to.address[2];
	ctx->user_ip6[3] = state->original.to.address[3];
	ctx->user_port = state->original.to.port;
	return 1;
}

SEC("cgroup/getpeername4")
int on_getpeername4(struct bpf_sock_addr *ctx)
{
	return show4(ctx);
}

SEC("cgroup/getpeername6")
int on_getpeername6(struct bpf_sock_addr *ctx)
{
	return show6(ctx);
}

/* An answer of the resolver comes from the server that was asked: the last one, of a socket that asks several. */
SEC("cgroup/recvmsg4")
int on_recvmsg4(struct bpf_sock_addr *ctx)
{
	__u32 zero = 0;
	struct settings *now = bpf_map_lookup_elem(&settings, &zero);

	if (now && ctx->user_ip4 == bpf_htonl(INADDR_LOOPBACK) && (__u16)ctx->user_port == now->dns4)
		return show4(ctx);
	return 1;
}

SEC("cgroup/recvmsg6")
int on_recvmsg6(struct bpf_sock_addr *ctx)
{
	__u32 zero = 0;
	struct settings *now = bpf_map_lookup_elem(&settings, &zero);
	struct endpoint from = endpoint6(ctx);

	if (now && is_loopback(&from) && from.port == (is_mapped(&from) ? now->dns4 : now->dns6))
		return show6(ctx);
	return 1;
}

/* The agent sees an address and a port of the client; they are known here before the first packet leaves. */
SEC("sockops")
int on_tcp(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct socket_state *state;
	struct original *waiting;
	__u32 op = ctx->op;
	__u32 ip4;

	if (!sk || (op != BPF_SOCK_OPS_TCP_CONNECT_CB && op != BPF_SOCK_OPS_STATE_CB))
		return 1;
	state = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!state)
		return 1;
	if (op == BPF_SOCK_OPS_STATE_CB) {
		/* It was not accepted. One that was may be over before the agent looks, and is still its to take. */
		if (ctx->args[0] != BPF_TCP_SYN_SENT || ctx->args[1] != BPF_TCP_CLOSE)
			return 1;
		waiting = bpf_map_lookup_elem(&connections, &state->client);
		if (waiting && waiting->cookie == state->original.cookie)
			bpf_map_delete_elem(&connections, &state->client);
		return 1;
	}
	if (!state->redirected)
		return 1;
	state->client.protocol = IPPROTO_TCP;
	state->client.port = ctx->local_port;
	ip4 = ctx->local_ip4;
	/* Else the compiler chooses between two places in the context, which the verifier does not follow. */
	asm volatile("" : "+r"(ip4));
	state->client.address[0] = ctx->local_ip6[0];
	state->client.address[1] = ctx->local_ip6[1];
	state->client.address[2] = ctx->local_ip6[2];
	state->client.address[3] = ctx->local_ip6[3];
	if (is_mapped(&state->original.to)) {
		state->client.address[0] = 0;
		state->client.address[1] = 0;
		state->client.address[2] = bpf_htonl(0xffff);
		state->client.address[3] = ip4;
	}
	bpf_map_update_elem(&connections, &state->client, &state->original, BPF_ANY);
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	return 1;
}

/* The hooks above see TCP and UDP and nothing else. */
SEC("cgroup/sock_create")
int on_create(struct bpf_sock *ctx)
{
	__u32 zero = 0;
	struct settings *now = bpf_map_lookup_elem(&settings, &zero);
	struct endpoint nowhere = {};
	__u64 group;
	__u32 mode;

	if (ctx->family != AF_INET && ctx->family != AF_INET6)
		return 1;
	if (ctx->type == SOCK_STREAM && ctx->protocol == IPPROTO_TCP)
		return 1;
	if (ctx->type == SOCK_DGRAM && ctx->protocol == IPPROTO_UDP)
		return 1;
	if (!now)
		return 0;
	group = current_group(now);
	mode = mode_of(now, group);
	nowhere.family = ctx->family;
	report(group, &nowhere, SOCKET, mode == ENFORCE, ctx->type, ctx->protocol);
	return mode != ENFORCE;
}

static __always_inline __u64 group_of(struct __sk_buff *skb, const struct settings *now)
{
#pragma unroll
	for (int level = 1; level < DEEPEST; level++)
		if (bpf_skb_ancestor_cgroup_id(skb, level) == now->folder)
			return bpf_skb_ancestor_cgroup_id(skb, level + 1);
	return 0;
}

static __always_inline struct socket_state *state_of(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return 0;
	sk = bpf_sk_fullsock(sk);
	return sk ? bpf_sk_storage_get(&sockets, sk, 0, 0) : 0;
}

/* The resolver is told who asks: only here address and port of the asker are known, whatever it sent with. */
static __always_inline void note_asker(struct __sk_buff *skb, const struct endpoint *from)
{
	struct socket_state *state = state_of(skb);
	struct client asker = {};

	if (!state || !state->redirected)
		return;
	asker.address[0] = from->address[0];
	asker.address[1] = from->address[1];
	asker.address[2] = from->address[2];
	asker.address[3] = from->address[3];
	asker.port = bpf_ntohs(from->port);
	asker.protocol = IPPROTO_UDP;
	bpf_map_update_elem(&askers, &asker, &state->original, BPF_ANY);
}

/*
 * What leaves the machine all the same: datagrams of connected sockets, whatever is sent with IP options or routing
 * headers to somewhere else than it says, connections that no hook above saw. Answers on TCP connections that
 * somebody opened from outside pass.
 */
SEC("cgroup_skb/egress")
int on_packet(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct settings *now = bpf_map_lookup_elem(&settings, &zero);
	struct endpoint from = {}, to = {};
	struct socket_state *state;
	struct event event = {};
	__u32 at, plain, protocol;
	__u16 ports[2] = {};
	__u16 dns;
	__u64 group;

	if (!now)
		return 0;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		struct iphdr ip;

		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
			return 0;
		from.address[2] = to.address[2] = bpf_htonl(0xffff);
		from.address[3] = ip.saddr;
		to.address[3] = ip.daddr;
		to.family = AF_INET;
		protocol = ip.protocol;
		plain = ip.ihl == 5;
		at = ip.ihl * 4;
		dns = now->dns4;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)))
			return 0;
		__builtin_memcpy(from.address, &ip.saddr, sizeof(from.address));
		__builtin_memcpy(to.address, &ip.daddr, sizeof(to.address));
		to.family = AF_INET6;
		protocol = ip.nexthdr;
		plain = 1;
		at = sizeof(ip);
		dns = now->dns6;
	} else {
		return 1;
	}
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
		if (bpf_skb_load_bytes(skb, at, ports, sizeof(ports)))
			return 0;
		from.port = ports[0];
		to.port = ports[1];
	}
	/* Whoever insists on a device sends to an address of the loopback what leaves the machine. */
	if (is_loopback(&to) && plain && skb->ifindex == LOOPBACK_IFINDEX) {
		if (protocol == IPPROTO_UDP && to.port == dns)
			note_asker(skb, &from);
		return 1;
	}
	if (protocol == IPPROTO_TCP && plain) {
		__u8 flags = 0;

		if (bpf_skb_load_bytes(skb, at + 13, &flags, 1))
			return 0;
		/* SYN without ACK: a connection is opened. */
		if ((flags & 0x12) != 0x02)
			return 1;
	}
	group = group_of(skb, now);
	event.blocked = mode_of(now, group) == ENFORCE;
	/* What the agent would have been asked to carry and cannot, because it is gone, is nothing to report. */
	if (protocol == IPPROTO_TCP && !event.blocked)
		return 1;
	state = state_of(skb);
	if (!event.blocked && is_repeated(state, &to))
		return 1;
	event.group = group;
	event.to = to;
	event.operation = protocol == IPPROTO_TCP ? CONNECT : SEND;
	event.type = protocol == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM;
	event.protocol = protocol;
	if (state) {
		event.pid = state->original.pid;
		event.uid = state->original.uid;
		__builtin_memcpy(event.name, state->original.name, sizeof(event.name));
	}
	write_event(&event);
	return !event.blocked;
}
