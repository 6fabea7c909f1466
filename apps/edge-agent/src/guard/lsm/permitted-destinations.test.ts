import { describe, expect, test } from 'vitest';
import { encodeDestination } from './permitted-destinations.ts';

describe('permitted destinations', () => {
  test.each([
    ['10.0.0.0/8', undefined, 32 + 96 + 8, 0, '00000000000000000000ffff0a000000'],
    ['192.0.2.7', [443], 32 + 128, 443, '00000000000000000000ffffc0000207'],
    ['2001:db8::/32', undefined, 32 + 32, 0, '20010db8000000000000000000000000'],
    ['::1', [8888], 32 + 128, 8888, '00000000000000000000000000000001'],
  ])('%s at %j', (network, ports, bits, port, address) => {
    const [key] = encodeDestination({ network, ...(ports === undefined ? {} : { ports }) });
    expect(key?.readUInt32LE(0)).toBe(bits);
    expect(key?.readUInt16BE(4)).toBe(port);
    expect(key?.subarray(8).toString('hex')).toBe(address);
  });

  test('are one entry for each port', () => {
    expect(encodeDestination({ network: '10.0.0.1', ports: [80, 443] })).toHaveLength(2);
  });
});
