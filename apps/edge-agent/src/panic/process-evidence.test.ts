import { expect, test } from 'vitest';
import { readStat } from '../discovery/stat.ts';
import { readEvidence } from './process-evidence.ts';
import { readUdpTable } from './socket-evidence.ts';

const self = { pid: process.pid, startTime: readStat(process.pid)?.startTime ?? 0 };
const toDate = (ticks: number): Date => new Date(ticks * 10);

test('what was known of a process is taken over, and nothing is made up', () => {
  const known = { user: 'alice', exeSha256: 'a'.repeat(64) };
  expect(readEvidence(self, known, toDate)).toMatchObject({
    user: 'alice',
    exeSha256: 'a'.repeat(64),
    exePath: process.execPath,
    workingDirectory: process.cwd(),
    startedAt: toDate(self.startTime).toISOString(),
  });
  expect(readEvidence(self, undefined, toDate)).toMatchObject({ exeSha256: null });
});

test('names of variables are kept, and no value', () => {
  const evidence = readEvidence(self, undefined, toDate);
  expect(evidence?.environment).toContain('PATH');
  expect(JSON.stringify(evidence?.environment)).not.toContain('/');
});

test('another process under the same pid is not looked at', () => {
  expect(readEvidence({ ...self, startTime: self.startTime - 1 }, undefined, toDate)).toBeUndefined();
});

test('UDP sockets have both their ends', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1234: 0100007F:0035 0200007F:01BB 01 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0
 1235: 00000000000000000000000001000000:14E9 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0
`;
  expect(readUdpTable(table)).toEqual([
    { inode: '4711', protocol: 'udp', state: 'connected', local: '127.0.0.1:53', remote: '127.0.0.2:443' },
    { inode: '4712', protocol: 'udp', state: 'open', local: '[::1]:5353', remote: '[::]:0' },
  ]);
});
