import type { Device } from '@raypher/shared/rest';
import { describe, expect, it } from 'vitest';
import { patchPresence } from './patch-presence.ts';

function device(id: string): Device {
  return {
    id,
    hostname: id,
    label: null,
    team: null,
    os: 'Debian',
    kernel: '6.12',
    arch: 'x64',
    agentVersion: '0.1.0',
    identityClass: 'software',
    identityReason: 'No TPM was shown.',
    keyFingerprint: '',
    simulated: false,
    status: 'active',
    pauseReason: null,
    connected: true,
    connectedSince: '2026-11-20T09:00:00.000Z',
    enrolledAt: '2026-11-01T09:00:00.000Z',
    revokedAt: null,
    revokeReason: null,
    lastSeenAt: '2026-11-20T09:59:00.000Z',
    posture: [],
    applied: { policy: 1, freeze: 0 },
    aiAgents: 0,
    frozenAiAgents: 0,
    live: {
      processes: 1,
      connections: 1,
      queueDepth: 0,
      rssBytes: 1,
      cpuShare: 0,
      at: '2026-11-20T09:59:00.000Z',
      transport: 'grpc',
    },
  };
}

const left = [{ deviceId: 'b', connected: false, at: '2026-11-20T10:00:00.000Z' }];

describe('who came and went', () => {
  it('is written into every page of a list', () => {
    const patched = patchPresence([{ items: [device('a')] }, { items: [device('b'), device('c')] }], left);
    expect(patched.flatMap((page) => page.items.map(({ connected }) => connected))).toEqual([
      true,
      false,
      true,
    ]);
    expect(patched[1]?.items[0]).toMatchObject({ connectedSince: null, live: null, lastSeenAt: left[0]?.at });
  });

  it('leaves pages without such a device as they were, so that they are not drawn again', () => {
    const pages = [{ items: [device('a')] }, { items: [device('b')] }];
    expect(patchPresence(pages, left)[0]).toBe(pages[0]);
  });
});
