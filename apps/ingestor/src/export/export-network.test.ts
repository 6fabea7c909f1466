import { BlockList } from 'node:net';
import { describe, expect, it } from 'vitest';
import { addRange } from '../config/config.ts';
import { addressesOf } from '../http/outbound.ts';
import { exportNetwork } from './export-network.ts';

function networkOf(...ranges: string[]) {
  const list = new BlockList();
  for (const range of ranges) expect(addRange(list, range)).toBe(true);
  return exportNetwork(list);
}
const reaches = (network: ReturnType<typeof networkOf>, host: string) =>
  addressesOf(network, host, 'hint').then(
    () => true,
    () => false,
  );

describe('where exports may go', () => {
  it.each([
    ['93.184.215.14', true],
    ['10.20.3.4', true],
    ['::ffff:10.20.3.4', true],
    ['fd12::7', true],
    ['10.21.0.1', false],
    ['192.168.0.1', false],
    ['127.0.0.1', false],
    ['[::1]', false],
    ['[64:ff9b::a14:304]', false],
  ])('%s: %s', async (host, expected) => {
    expect(await reaches(networkOf('10.20.0.0/16', 'fd12::/48'), host)).toBe(expected);
  });

  it.each([
    '169.254.169.254',
    '100.100.100.200',
    '168.63.129.16',
    'metadata.google.internal',
    '[fd00:ec2::254]',
  ])('never to what hands out credentials of machines, whatever the operator named: %s', async (host) => {
    expect(await reaches(networkOf('0.0.0.0/0', '::/0'), host)).toBe(false);
  });

  it('is not decided by one good address among several', async () => {
    const network = networkOf('10.20.0.0/16');
    const resolve = async () => [
      { address: '10.20.0.1', family: 4 },
      { address: '192.168.0.1', family: 4 },
    ];
    expect(await reaches({ ...network, resolve }, 'siem.example')).toBe(false);
  });

  it.each(['10.20.0.0', '10.20.0.0/33', 'siem.example/8', '/8', '::/129', '10.20.0.0/-1'])(
    '%s is no range',
    (range) => {
      expect(addRange(new BlockList(), range)).toBe(false);
    },
  );
});
