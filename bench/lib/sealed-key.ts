import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { sealInto, startTestVault } from '../../apps/edge-agent/src/testing/test-vault.ts';
import { percentile } from './report.ts';

const ROUNDS = 2_000;
const WARM_UP = 200;
const BINDING = { name: 'openai', provider: 'openai' };
/** As long as a provider's API key is. */
const VALUE_BYTES = 164;

export interface SealedKeyTimes {
  p50Us: number;
  p99Us: number;
}

/**
 * What the proxy pays to put a sealed key into a request: finding it in the store and opening it (RFC 9180), each time
 * anew. The floor opens a value of the same length with AES-256-GCM under a key that is at hand. In turns.
 */
export async function measureSealedKeys(): Promise<Record<'taken' | 'floor', SealedKeyTimes>> {
  const vault = await startTestVault();
  try {
    await sealInto(vault, BINDING.name, BINDING.provider, 'k'.repeat(VALUE_BYTES));
    const key = randomBytes(32);
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    const sealed = Buffer.concat([cipher.update(randomBytes(VALUE_BYTES)), cipher.final()]);
    const tag = cipher.getAuthTag();
    const ways = {
      taken: async () => (await vault.take(BINDING)).fill(0),
      floor: async () => {
        const decipher = createDecipheriv('aes-256-gcm', key, iv).setAuthTag(tag);
        Buffer.concat([decipher.update(sealed), decipher.final()]).fill(0);
      },
    };
    const times = { taken: [] as number[], floor: [] as number[] };
    for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
      for (const way of ['taken', 'floor'] as const) {
        const began = performance.now();
        await ways[way]();
        if (round >= WARM_UP) times[way].push(1_000 * (performance.now() - began));
      }
    }
    return { taken: summary(times.taken), floor: summary(times.floor) };
  } finally {
    vault.close();
  }
}

function summary(times: number[]): SealedKeyTimes {
  return { p50Us: percentile(times, 0.5), p99Us: percentile(times, 0.99) };
}
