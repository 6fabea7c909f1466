import type { PacketRule } from '../../native/packet-rules.ts';
import type { Mode } from '../network/kernel-layout.ts';
import type { ListeningPorts } from '../network/kernel-redirect.ts';

/** A control group of an AI agent, as rules name it. */
export interface RuledGroup {
  readonly id: bigint;
  /** As nft(8) writes it: below /sys/fs/cgroup. */
  readonly path: string;
  readonly mode: Mode;
}

export interface RuleState {
  /** The product's control group: as nft(8) writes it, and how deep below the root of the hierarchy it is. */
  readonly folder: { readonly path: string; readonly level: number; readonly id: bigint };
  readonly groups: readonly RuledGroup[];
  /** Of groups that are not named yet. */
  readonly defaultMode: Mode;
}

/** Before the chains of others that translate destinations (-100), after connection tracking (-200). */
const BEFORE_OTHERS = -150;
const LIMIT = 'limit rate 5/second burst 20 packets';

/** What passes whatever holds: services of this machine, and answers of a server that an AI agent runs. */
const PASSES = [
  'meta l4proto { tcp, udp } ip daddr 127.0.0.0/8 accept',
  'meta l4proto { tcp, udp } ip6 daddr ::1 accept',
  'meta l4proto tcp ct direction reply accept',
];
/** Of packets that go elsewhere than it seems: routed by who sends them, or answers to what nobody asked. */
const MADE_UP = [
  'ip option lsrr exists',
  'ip option ssrr exists',
  'exthdr rt exists',
  'fib saddr type != local',
];
/**
 * What goes to an address of the loopback and leaves the machine: of a socket that is bound to a device. The kernel does
 * not say here whose it is, so it is nobody's; nobody has a use for it.
 */
const LEAVING = [
  // A network of its own within the machine, with a loopback of its own.
  'meta oifkind "vrf" accept',
  'oifname != "lo" ip daddr 127.0.0.0/8 drop',
  'oifname != "lo" ip6 daddr ::1 drop',
];
/** A reset ends a connection at once; whoever sends a datagram that is dropped gets EPERM. */
const REFUSE = ['meta l4proto tcp reject with tcp reset', 'drop'];

/**
 * Rules that are in force while the agent is there: its table belongs to its process. They lead connections and
 * questions to it, and refuse or only log what is left.
 *
 * @param log number of the group to which packets are logged
 */
export function rulesWhileAlive(table: string, state: RuleState, ports: ListeningPorts, log: number): string {
  const { folder, groups, defaultMode } = state;
  const led = [
    // A socket that sends there insists on a device, by which the loopback is not reached.
    'ip6 daddr fe80::/10 return',
    ...redirected('udp dport 53', { ipv4: ports.dns4, ipv6: ports.dns6 }),
    ...redirected('tcp dport 53', { ipv4: ports.tcp4, ipv6: ports.tcp6 }),
    'ip daddr 127.0.0.0/8 return',
    'ip6 daddr ::1 return',
    ...redirected('meta l4proto tcp', { ipv4: ports.tcp4, ipv6: ports.tcp6 }),
  ];
  const logged = (mode: Mode, id: bigint): string =>
    `${LIMIT} log prefix "${logPrefix({ blocked: mode === 'enforce', group: id })}" group ${log}`;
  const judged = groups.flatMap(({ id, path, mode }) => [
    `${inGroup(path, folder.level + 1)} ${logged(mode, id)}`,
    `${inGroup(path, folder.level + 1)} ${mode === 'enforce' ? 'goto refuse' : 'accept'}`,
  ]);
  const unnamed = [logged(defaultMode, 0n), defaultMode === 'enforce' ? 'goto refuse' : 'accept'];
  return tableText(table, state, 'flags owner;', [
    { name: 'refuse', rules: REFUSE },
    { name: 'leaving', base: 'type filter hook postrouting priority 0;', rules: LEAVING },
    { name: 'led', rules: led },
    { name: 'judged', rules: [...PASSES, ...judged, ...unnamed] },
    {
      name: 'nat_output',
      base: `type nat hook output priority ${BEFORE_OTHERS};`,
      rules: [`${inGroup(folder.path, folder.level)} jump led`],
    },
    {
      name: 'filter_output',
      base: 'type filter hook output priority 0;',
      rules: [`${inGroup(folder.path, folder.level)} jump judged`],
    },
  ]);
}

/**
 * Rules that stay when the agent is gone: they know neither its ports nor whether it is there, only that nothing of an
 * enforced group may go anywhere else.
 */
export function rulesThatStay(table: string, state: RuleState): string {
  const { folder, groups, defaultMode } = state;
  const judged = groups.map(
    ({ id, path, mode }) =>
      `${inGroup(path, folder.level + 1)} ${mode === 'enforce' ? HELD : 'return'} comment "${mode} ${id}"`,
  );
  const unnamed = defaultMode === 'enforce' ? [HELD] : [];
  return tableText(table, state, '', [
    { name: 'refuse', rules: REFUSE },
    { name: 'leaving', base: 'type filter hook postrouting priority 0;', rules: LEAVING },
    // While the agent is there, questions have been led elsewhere before they come here.
    {
      name: 'held',
      rules: [
        ...MADE_UP.map((match) => `${match} goto refuse`),
        'meta l4proto { tcp, udp } th dport 53 goto refuse',
        ...PASSES,
        'goto refuse',
      ],
    },
    { name: 'judged', rules: [...judged, ...unnamed] },
    {
      name: 'filter_output',
      base: 'type filter hook output priority 10;',
      rules: [`${inGroup(folder.path, folder.level)} jump judged`],
    },
  ]);
}

const HELD = 'goto held';

/** Ids of the groups that rules which stayed hold. */
export function heldGroups(rules: readonly Pick<PacketRule, 'comment'>[]): bigint[] {
  return rules.flatMap(({ comment }) => {
    const id = /^enforce (\d{1,20})$/.exec(comment)?.[1];
    return id === undefined ? [] : [BigInt(id)];
  });
}

/** What a rule says of the packets that it logs. */
export interface LogPrefix {
  readonly blocked: boolean;
  /** 0: of a group that is not named. */
  readonly group: bigint;
}

export function logPrefix({ blocked, group }: LogPrefix): string {
  return `${blocked ? 'refused' : 'passed'} ${group}`;
}

/** @returns undefined for what no rule of ours wrote */
export function readLogPrefix(text: string): LogPrefix | undefined {
  const [, said, group = '0'] = /^(refused|passed) (\d{1,20})$/.exec(text) ?? [];
  return said === undefined ? undefined : { blocked: said === 'refused', group: BigInt(group) };
}

interface Chain {
  readonly name: string;
  /** Hook of a chain that packets enter by; undefined: entered from others. */
  readonly base?: string;
  readonly rules: readonly string[];
}

/** Makes the table what it is to be, whatever was in it. */
function tableText(table: string, { folder }: RuleState, flags: string, chains: readonly Chain[]): string {
  return [
    // Rules name the folder, and the kernel keeps what it then was: a new one of that name needs them anew.
    `# ${folder.path} is ${folder.id}`,
    `add table inet ${table} { ${flags} }`,
    `flush table inet ${table}`,
    ...chains.map(
      ({ name, base }) => `add chain inet ${table} ${name}${base === undefined ? '' : ` { ${base} }`}`,
    ),
    ...chains.flatMap(({ name, rules }) => rules.map((rule) => `add rule inet ${table} ${name} ${rule}`)),
    '',
  ].join('\n');
}

function inGroup(path: string, level: number): string {
  return `socket cgroupv2 level ${level} "${path}"`;
}

/** @param ports 0: nobody listens there, and what would be led there is refused by what follows */
function redirected(match: string, ports: Readonly<Record<'ipv4' | 'ipv6', number>>): string[] {
  return (['ipv4', 'ipv6'] as const)
    .filter((family) => ports[family] !== 0)
    .map((family) => `meta nfproto ${family} ${match} redirect to :${ports[family]}`);
}
