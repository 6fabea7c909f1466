import { TestTimeStampAuthority } from '@raypher/testkit';
import { ContentInfo, SignedData } from 'pkijs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { requestTimeStamp, type TimeStamp, verifyTimeStamp } from './time-stamp.ts';

const DATA = Buffer.from('log.example/one\n3\nAAAA\n');

describe('a time stamp of a real authority', () => {
  let authority: TestTimeStampAuthority;
  let other: TestTimeStampAuthority;
  let stamp: TimeStamp;
  beforeAll(async () => {
    [authority, other] = await Promise.all([TestTimeStampAuthority.start(), TestTimeStampAuthority.start()]);
    stamp = await requestTimeStamp({ url: authority.url, roots: [authority.root] }, DATA);
  });
  afterAll(() => Promise.all([authority.stop(), other.stop()]));

  it('says when the data was there, and verifies later', async () => {
    expect(Math.abs(stamp.at.getTime() - Date.now())).toBeLessThan(60_000);
    expect((await verifyTimeStamp(stamp.token, DATA, [other.root, authority.root])).at).toEqual(stamp.at);
  });

  it('verifies when the certificate of its authority has ended, which was good then', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30 * 24 * 3_600_000 });
    try {
      expect((await verifyTimeStamp(stamp.token, DATA, [authority.root])).at).toEqual(stamp.at);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is refused over other data', async () => {
    const changed = Buffer.concat([DATA, Buffer.from(' ')]);
    await expect(verifyTimeStamp(stamp.token, changed, [authority.root])).rejects.toThrow(/something else/);
  });

  it('is refused when its authority leads to no root that is trusted', async () => {
    await expect(verifyTimeStamp(stamp.token, DATA, [other.root])).rejects.toThrow();
    await expect(verifyTimeStamp(stamp.token, DATA, [])).rejects.toThrow();
    await expect(requestTimeStamp({ url: authority.url, roots: [other.root] }, DATA)).rejects.toThrow();
  });

  it('is refused after any change to its signature', async () => {
    const changed = Buffer.from(stamp.token);
    const last = changed.length - 1;
    changed[last] = (changed[last] ?? 0) ^ 1;
    await expect(verifyTimeStamp(changed, DATA, [authority.root])).rejects.toThrow();
  });

  it('is refused when a certificate for something else signed it, though it leads to the root', async () => {
    const content = ContentInfo.fromBER(new Uint8Array(stamp.token).buffer);
    const info = new SignedData({ schema: content.content }).encapContentInfo.eContent?.getValue();
    const forged = await authority.signElsewhere(new Uint8Array(info ?? new ArrayBuffer()));
    await expect(verifyTimeStamp(forged, DATA, [authority.root])).rejects.toThrow(/nobody who is trusted/);
  });
});
