import { expect, test } from 'vitest';
import { connectGate } from './connect-gate.ts';
import { gateOverSocket } from './gate-over-socket.test-support.ts';
import { UserShare } from './user-share.ts';

test('a user waits for the next second when its share of this one is spent, another one does not', () => {
  const share = new UserShare(100);
  expect(share.spend(1, 60, 1_000)).toBe(0);
  expect(share.spend(1, 60, 1_400)).toBe(600);
  expect(share.left(1, 1_999)).toBe(1);
  expect(share.left(2, 1_400)).toBe(0);
  expect(share.left(1, 2_000)).toBe(0);
});

test('a flood of lines of one user does not keep the others waiting, and loses nothing', async () => {
  const users = [1, 2];
  await using setting = await gateOverSocket({
    mostWorkPerUser: 5,
    peerCredentials: () => ({ uid: users.shift() ?? 3 }),
  });
  using flood = await connectGate(setting.ordinary.path, { timeout: 30_000 });
  using other = await connectGate(setting.ordinary.path);
  // Far more than five milliseconds of work.
  const answers = Promise.all(
    Array.from({ length: 2_000 }, (_, at) =>
      flood.check({ v: 1, action: 'tool.call', target: `allow/${at}` }),
    ),
  );
  let done = false;
  void answers.then(() => {
    done = true;
  });
  await other.ping();
  expect(done).toBe(false);
  expect((await answers).every(({ verdict }) => verdict === 'ALLOW')).toBe(true);
}, 30_000);
