import { AgentMessage, MAX_FRAME_BYTES } from '@raypher/shared';
import { describe, expect, it } from 'vitest';
import { isWorthDecoding, MAX_FIELDS } from './frame-cost.ts';

/** A length-delimited field. */
function field(number: number, content: Uint8Array): Buffer {
  const length = [];
  for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest < 128 ? rest : (rest % 128) + 128);
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), content]);
}

const empties = (number: number, count: number) => Buffer.alloc(2 * count, Buffer.from([number * 8 + 2, 0]));

describe('what a frame would cost to decode', () => {
  it('is little for what agents send', () => {
    const process = { pid: 1, ppid: 1, startTime: 2n ** 60n, name: 'node', commandLine: 'node agent.mjs' };
    const agent = AgentMessage.fromPartial({
      body: {
        $case: 'inventory',
        value: {
          atMs: -1n,
          processes: 900,
          agents: Array.from({ length: 500 }, () => ({
            libraries: ['langchain', 'openai'],
            processes: Array.from({ length: 20 }, () => ({ ...process, cpuShare: 0.5 })),
          })),
        },
      },
    });
    expect(isWorthDecoding(AgentMessage.encode(agent).finish())).toBe(true);
  });

  it('is little for as many processes as an agent puts into one inventory', () => {
    const processes = Array.from({ length: 95_000 }, (_, index) => ({
      pid: 10_000 + index,
      ppid: 10_000,
      startTime: 1_000_000n,
      name: 'sh',
      commandLine: 'sh',
      rssBytes: 1_000_000n,
    }));
    const message = AgentMessage.fromPartial({
      body: { $case: 'inventory', value: { agents: [{ processes }] } },
    });
    const frame = AgentMessage.encode(message).finish();
    expect(frame.length).toBeGreaterThan(MAX_FRAME_BYTES / 2);
    expect(isWorthDecoding(frame)).toBe(true);
  });

  it.each([
    ['AI agents', field(6, empties(3, MAX_FIELDS))],
    ['processes of one AI agent', field(6, field(3, empties(12, MAX_FIELDS)))],
    ['libraries of one AI agent', field(6, field(3, empties(7, MAX_FIELDS)))],
    ['fields of one process', field(6, field(3, field(12, empties(4, 8 * MAX_FIELDS + 8))))],
    ['entries', field(3, empties(2, MAX_FIELDS))],
    ['private parts', field(3, empties(5, MAX_FIELDS))],
    ['fields of private parts', field(3, Buffer.concat(Array(MAX_FIELDS / 2).fill(field(5, empties(2, 1)))))],
    ['capabilities', field(1, empties(10, MAX_FIELDS))],
    ['counters of budgets', field(8, empties(4, MAX_FIELDS))],
    ['live connections', field(7, empties(3, MAX_FIELDS))],
    ['fields of a live connection', field(7, field(3, empties(9, MAX_FIELDS)))],
    ['live connections that ended', field(7, empties(4, MAX_FIELDS))],
    ['reports of posture', field(2, empties(4, MAX_FIELDS))],
  ])('is too much with endless empty %s', (_, frame) => {
    expect(isWorthDecoding(frame)).toBe(false);
  });

  it.each([
    ['a length beyond the end', Buffer.from([3 * 8 + 2, 100, 1])],
    ['a number without an end', Buffer.from([3 * 8, 255, 255])],
    ['a group', Buffer.from([6 * 8 + 3])],
  ])('is not worth it for %s', (_, frame) => {
    expect(isWorthDecoding(frame)).toBe(false);
  });
});
