import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Koffi from 'koffi';
import { expect, test } from 'vitest';
import { sendUnixDatagram, unixAddress } from './unix-datagram.ts';

const onLinux = process.platform === 'linux';

/** A real datagram socket, bound with the kernel's own calls, so that both ends are not ours. */
function listen(name: string): { receive: () => string; close: () => void } {
  // The cast is the module's own declaration file.
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
  const libc = koffi.load('libc.so.6');
  const socket = libc.func('int socket(int family, int type, int protocol)');
  const bind = libc.func('int bind(int fd, const void *address, uint32_t length)');
  const recv = libc.func('long recv(int fd, void *buffer, size_t length, int flags)');
  const fd: number = socket(1, 2, 0);
  const address = unixAddress(name);
  if (bind(fd, address, address.length) !== 0) throw new Error(`bind: errno ${koffi.errno()}`);
  return {
    receive: () => {
      const buffer = Buffer.alloc(4096);
      // MSG_DONTWAIT: what was sent to a Unix socket has arrived.
      return buffer.toString('utf8', 0, Math.max(0, Number(recv(fd, buffer, buffer.length, 0x40))));
    },
    close: () => closeSync(fd),
  };
}

test.skipIf(!onLinux)('a datagram reaches a socket with a path, whole', () => {
  const folder = mkdtempSync(join(tmpdir(), 'raypher-datagram-'));
  const socket = listen(join(folder, 'notify'));
  try {
    sendUnixDatagram(join(folder, 'notify'), 'READY=1\nSTATUS=läuft\n');
    expect(socket.receive()).toBe('READY=1\nSTATUS=läuft\n');
  } finally {
    socket.close();
    rmSync(folder, { recursive: true });
  }
});

test.skipIf(!onLinux)('a datagram reaches an abstract socket', () => {
  const name = `@raypher-test-${process.pid}`;
  const socket = listen(name);
  try {
    sendUnixDatagram(name, 'WATCHDOG=1\n');
    expect(socket.receive()).toBe('WATCHDOG=1\n');
  } finally {
    socket.close();
  }
});

test.skipIf(!onLinux)('nobody listening is an error, not a wait', () => {
  expect(() => sendUnixDatagram('/nowhere/notify', 'READY=1')).toThrow('Nothing listens on /nowhere/notify');
  expect(() => sendUnixDatagram('@raypher-nobody', 'READY=1')).toThrow('Nothing listens');
});

test.each(['', 'relative', '/', '@', `/${'x'.repeat(107)}`, `@${'x'.repeat(108)}`, '/a\0b'])(
  '%j names no socket',
  (name) => {
    expect(() => unixAddress(name)).toThrow(/socket/);
  },
);

test('the longest names fit exactly', () => {
  // unix(7): 108 bytes, of which a path needs one for its end and an abstract name one for its beginning.
  expect(unixAddress(`/${'x'.repeat(106)}`)).toHaveLength(2 + 108);
  expect(unixAddress(`@${'x'.repeat(107)}`)).toHaveLength(2 + 108);
});
