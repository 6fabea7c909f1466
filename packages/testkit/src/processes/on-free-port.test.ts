import { describe, expect, it } from 'vitest';
import { onFreePort } from './on-free-port.ts';

const taken = () => Promise.reject(new Error('could not bind: Address already in use'));

describe('a server on a free port', () => {
  it('moves on when somebody else took the port first', async () => {
    const tried: number[] = [];
    const { port, server } = await onFreePort(undefined, (candidate) => {
      tried.push(candidate);
      return tried.length < 3 ? taken() : Promise.resolve('up');
    });
    expect(server).toBe('up');
    expect(tried).toHaveLength(3);
    expect(port).toBe(tried[2]);
  });

  it('tries the port that was asked for once, and nothing else', async () => {
    const tried: number[] = [];
    const starting = onFreePort(1234, (candidate) => {
      tried.push(candidate);
      return taken();
    });
    await expect(starting).rejects.toThrow(/already in use/);
    expect(tried).toEqual([1234]);
  });

  it('does not hide any other failure behind a second attempt', async () => {
    let attempts = 0;
    const starting = onFreePort(undefined, () => {
      attempts += 1;
      return Promise.reject(new Error('no space left on device'));
    });
    await expect(starting).rejects.toThrow('no space left');
    expect(attempts).toBe(1);
  });
});
