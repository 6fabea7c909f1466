import { expect, test } from 'vitest';
import { packetEnds } from './packet-ends.ts';

const UDP_PORTS = 'd431 01bb 0009 0000 61';
/** 192.0.2.5 to 203.0.113.7 (RFC 5737). */
const IPV4 = (protocol: string, words = 5): string =>
  `4${words} 00 0000 0000 0000 40 ${protocol} 0000 c0000205 cb007107${' 01010101'.repeat(words - 5)}`;
/** 2001:db8::5 to 2001:db8::7 (RFC 3849). */
const IPV6 = (next: string): string =>
  `6000 0000 0009 ${next} 40 20010db8000000000000000000000005 20010db8000000000000000000000007`;
const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

test.each([
  ['IPv4', IPV4('11'), 17],
  ['IPv4 with options', IPV4('06', 7), 6],
])('%s', (_name, header, protocol) => {
  expect(packetEnds(bytes(`${header} ${UDP_PORTS}`))).toEqual({
    protocol,
    source: { address: '192.0.2.5', port: 54321 },
    destination: { address: '203.0.113.7', port: 443 },
  });
});

test.each([
  ['IPv6', `${IPV6('11')} ${UDP_PORTS}`],
  [
    'IPv6 with extension headers',
    `${IPV6('00')} 3c00 010400000000 1101 01040000000001040000000000 00 ${UDP_PORTS}`,
  ],
])('%s', (_name, hex) => {
  expect(packetEnds(bytes(hex))).toEqual({
    protocol: 17,
    source: { address: '2001:db8::5', port: 54321 },
    destination: { address: '2001:db8::7', port: 443 },
  });
});

test('protocols without ports have none, and what is cut before them neither', () => {
  for (const hex of [`${IPV4('01')} 0800 0000 0000`, `${IPV4('11')} d431`]) {
    expect(packetEnds(bytes(hex))?.destination).toEqual({ address: '203.0.113.7', port: 0 });
  }
});

test('what is no packet of IP is nothing', () => {
  for (const hex of ['', '45', IPV4('11').slice(0, 40), IPV6('11').slice(0, 60), '2000'.repeat(20)]) {
    expect(packetEnds(bytes(hex)), hex).toBeUndefined();
  }
});

test('a chain of extension headers that never ends does', () => {
  expect(packetEnds(bytes(`${IPV6('00')} ${'0000000000000000'.repeat(20)}`))?.destination.port).toBe(0);
});
