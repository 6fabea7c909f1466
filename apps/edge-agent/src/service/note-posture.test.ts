import { expect, it } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { notePosture } from './note-posture.ts';
import { type Finding, PostureBoard } from './posture-board.ts';

/** What is recorded while a probe finds these one after the other. */
async function recorded(...found: Finding[]): Promise<EventDraft[]> {
  const events: EventDraft[] = [];
  const left = [...found];
  const next = async (): Promise<Finding> => left.shift() ?? { state: 'unavailable', reason: 'nothing left' };
  const board = new PostureBoard(new Map([['gate', next]]), (change) =>
    notePosture(change, (event) => events.push(event)),
  );
  for (const _ of found) await board.probe('gate');
  return events;
}

const enforced = { state: 'enforced', reason: 'it was refused' } as const;
const monitored = { state: 'observing', reason: 'the policy only records', byPolicy: true } as const;

it('what a device begins with is no change', async () => {
  expect(await recorded({ state: 'unavailable', reason: 'it is not built here' })).toEqual([]);
});

it('a first policy that only monitors is no loss', async () => {
  expect(await recorded(enforced, monitored)).toMatchObject([
    { severity: 'info', data: { from: 'enforced', to: 'observing', byPolicy: true } },
  ]);
});

it('what cannot be enforced any more although the policy asks for it is a loss', async () => {
  const half = { state: 'observing', reason: 'only half of it is held' } as const;
  const gone = { state: 'unavailable', reason: 'the canary was let through' } as const;
  expect(await recorded(enforced, half, gone, enforced)).toMatchObject([
    { severity: 'warning', data: { to: 'observing', byPolicy: false } },
    { severity: 'warning', data: { to: 'unavailable', byPolicy: false } },
    { severity: 'info', data: { to: 'enforced' } },
  ]);
  expect(await recorded(monitored, gone)).toMatchObject([{ severity: 'warning' }]);
});
