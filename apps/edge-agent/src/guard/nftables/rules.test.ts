import { expect, test } from 'vitest';
import {
  heldGroups,
  logPrefix,
  type RuleState,
  readLogPrefix,
  rulesThatStay,
  rulesWhileAlive,
} from './rules.ts';

const STATE: RuleState = {
  folder: { path: 'raypher', level: 1, id: 7n },
  groups: [
    { id: 11n, path: 'raypher/run-a', mode: 'enforce' },
    { id: 12n, path: 'raypher/run-b', mode: 'monitor' },
  ],
  defaultMode: 'monitor',
};
const PORTS = { tcp4: 1001, tcp6: 1002, dns4: 1003, dns6: 1004 };

/** What a chain says, without what every line begins with. */
function chain(text: string, table: string, name: string): string[] {
  const start = `add rule inet ${table} ${name} `;
  return text
    .split('\n')
    .filter((line) => line.startsWith(start))
    .map((line) => line.slice(start.length));
}

test('while the agent is there, names and connections are led to it, services of the machine are not', () => {
  const rules = rulesWhileAlive('t', STATE, PORTS, 9);
  expect(chain(rules, 't', 'led')).toEqual([
    'ip6 daddr fe80::/10 return',
    'meta nfproto ipv4 udp dport 53 redirect to :1003',
    'meta nfproto ipv6 udp dport 53 redirect to :1004',
    'meta nfproto ipv4 tcp dport 53 redirect to :1001',
    'meta nfproto ipv6 tcp dport 53 redirect to :1002',
    'ip daddr 127.0.0.0/8 return',
    'ip6 daddr ::1 return',
    'meta nfproto ipv4 meta l4proto tcp redirect to :1001',
    'meta nfproto ipv6 meta l4proto tcp redirect to :1002',
  ]);
});

test('where nobody listens for a family, its connections are not led anywhere and so refused', () => {
  const rules = rulesWhileAlive('t', STATE, { ...PORTS, tcp6: 0, dns6: 0 }, 9);
  expect(chain(rules, 't', 'led').filter((rule) => rule.includes('nfproto ipv6'))).toEqual([]);
});

test('what is left is refused or passes by the mode of its group, and is logged', () => {
  const rules = chain(rulesWhileAlive('t', STATE, PORTS, 9), 't', 'judged');
  expect(rules.slice(3)).toEqual([
    'socket cgroupv2 level 2 "raypher/run-a" limit rate 5/second burst 20 packets log prefix "refused 11" group 9',
    'socket cgroupv2 level 2 "raypher/run-a" goto refuse',
    'socket cgroupv2 level 2 "raypher/run-b" limit rate 5/second burst 20 packets log prefix "passed 12" group 9',
    'socket cgroupv2 level 2 "raypher/run-b" accept',
    'limit rate 5/second burst 20 packets log prefix "passed 0" group 9',
    'accept',
  ]);
});

test('the rules that stay name no port, and groups that nobody named only when the policy enforces', () => {
  const judged = (state: RuleState) => chain(rulesThatStay('t', state), 't', 'judged');
  expect(judged(STATE)).toEqual([
    'socket cgroupv2 level 2 "raypher/run-a" goto held comment "enforce 11"',
    'socket cgroupv2 level 2 "raypher/run-b" return comment "monitor 12"',
  ]);
  expect(judged({ ...STATE, defaultMode: 'enforce' }).at(-1)).toBe('goto held');
  expect(rulesThatStay('t', STATE)).not.toMatch(/redirect|100\d/);
});

test('a folder that was made anew under its name gets its rules anew', () => {
  const another = { ...STATE, folder: { ...STATE.folder, id: 8n } };
  expect(rulesThatStay('t', another)).not.toBe(rulesThatStay('t', STATE));
});

test('which groups are held is read back from the comments of the rules', () => {
  expect(heldGroups([{ comment: 'enforce 11' }, { comment: 'monitor 12' }, { comment: '' }])).toEqual([11n]);
});

test('what a rule logs says whose it was and what came of it', () => {
  for (const said of [
    { blocked: true, group: 11n },
    { blocked: false, group: 0n },
  ]) {
    expect(readLogPrefix(logPrefix(said))).toEqual(said);
  }
  for (const text of ['', 'refused', 'refused x', 'something refused 1', 'refused 123456789012345678901']) {
    expect(readLogPrefix(text), text).toBeUndefined();
  }
});
