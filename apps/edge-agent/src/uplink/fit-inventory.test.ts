import { AiAgent, Inventory } from '@raypher/shared';
import { expect, test } from 'vitest';
import { fitInventory } from './fit-inventory.ts';

const LIMIT = 100_000;
const sizeOf = (inventory: Inventory): number => Inventory.encode(inventory).finish().length;
const agent = (name: string, processes: number) =>
  AiAgent.fromPartial({
    id: name,
    name,
    risk: 'critical',
    processes: Array.from({ length: processes }, (_, pid) => ({ pid, commandLine: 'x'.repeat(2000) })),
  });

test('an inventory that fits is sent as it is', () => {
  const inventory = Inventory.fromPartial({ processes: 9, agents: [agent('bot', 3)] });
  expect(fitInventory(inventory, LIMIT)).toBe(inventory);
});

test('an AI agent that starts thousands of processes neither breaks the line nor hides the others', () => {
  const inventory = Inventory.fromPartial({
    processes: 5001,
    agents: [agent('bomb', 5000), agent('bot', 1)],
  });
  const fitted = fitInventory(inventory, LIMIT);
  expect(sizeOf(fitted)).toBeLessThanOrEqual(LIMIT);
  expect(fitted.processes).toBe(5001);
  expect(fitted.agents.map(({ name }) => name)).toEqual(['bomb', 'bot']);
  expect(fitted.agents[0]?.processes.length).toBeGreaterThan(50);
  expect(fitted.agents[1]).toEqual(inventory.agents[1]);
});

test('however many AI agents there are, the message fits', () => {
  const agents = Array.from({ length: 5000 }, (_, n) => agent(`bot-${n}`, 1));
  const fitted = fitInventory(Inventory.fromPartial({ agents }), LIMIT);
  expect(sizeOf(fitted)).toBeLessThanOrEqual(LIMIT);
  expect(fitted.agents.length).toBeGreaterThan(100);
});
