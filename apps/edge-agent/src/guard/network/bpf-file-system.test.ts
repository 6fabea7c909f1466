import { expect, test } from 'vitest';
import { ensureBpfFileSystem } from './bpf-file-system.ts';

test.skipIf(process.platform !== 'linux')(
  'a kernel that has no such programs is named as one that cannot',
  () => {
    // Where nobody makes a folder, as in /sys on such a kernel.
    expect(() => ensureBpfFileSystem('/proc/raypher-nothing')).toThrow(
      expect.objectContaining({ code: 'platform/unsupported' }),
    );
  },
);
