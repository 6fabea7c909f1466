import { expect, test } from 'vitest';
import { readDestroyed, readListed } from './tcp-socket.ts';

/** `struct nlmsgerr` with this error number. */
function refusal(errno: number): Buffer {
  const answer = Buffer.alloc(36);
  answer.writeUInt32LE(36, 0);
  answer.writeUInt16LE(2, 4);
  answer.writeInt32LE(-errno, 16);
  return answer;
}

test('a connection that has ended meanwhile is no failure', () => {
  expect(readDestroyed(refusal(0))).toBe('ended');
  expect(readDestroyed(refusal(2))).toBe('gone');
});

test.each([
  ['without CONFIG_INET_DIAG_DESTROY', 95, 'platform/unsupported', 'CONFIG_INET_DIAG_DESTROY is not set'],
  ['that does not know the order', 22, 'platform/unsupported', 'CONFIG_INET_DIAG_DESTROY is not set'],
  ['that does not permit it', 1, 'process/permission', 'EPERM'],
])('a kernel %s is reported as such', (_, errno, code, words) => {
  expect(() => readDestroyed(refusal(errno))).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(words) }),
  );
});

test('a list that the kernel refuses is no empty list', () => {
  expect(() => readListed(refusal(1))).toThrow(expect.objectContaining({ code: 'process/permission' }));
});

test('messages that are cut short end the reading of a part', () => {
  const cut = Buffer.alloc(40);
  cut.writeUInt32LE(88, 0);
  cut.writeUInt16LE(20, 4);
  expect(readListed(cut)).toEqual({ sockets: [], isLast: false });
});
