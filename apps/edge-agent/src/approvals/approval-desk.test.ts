import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Opinion, Verdict } from '@raypher/policy';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { openDatabase } from '../store/database.ts';
import type { ApprovalQuestion } from './approval.ts';
import { ApprovalDesk } from './approval-desk.ts';
import { answerApprovalRequest } from './approval-requests.ts';
import { ApprovalStore } from './approval-store.ts';
import { decideApproval } from './decide-command.ts';
import type { Decision } from './decision.ts';
import { denialText } from './denial-text.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function open(path = join(mkdtempSync(join(tmpdir(), 'raypher-approvals-')), 'agent.db')) {
  const { db } = openDatabase(path);
  const clock = { boot: 'boot-1', at: 1_000_000, now: () => clock.at };
  const events: EventDraft[] = [];
  const state = { policy: 'p1', diskFull: false };
  const desk = new ApprovalDesk({
    store: new ApprovalStore(db, clock),
    clock,
    policy: () => state.policy,
    record: async (event) => {
      if (state.diskFull) throw new Error('disk full');
      events.push(event);
    },
  });
  const say = (more: Partial<Decision> & { approval: string }) =>
    desk.decide({ outcome: 'allow', scope: 'once', by: 'ann@example.test', ...more });
  return { path, db, clock, desk, events, state, say };
}

const OPINION: Opinion = {
  outcome: 'PROMPT',
  mode: 'enforce',
  layer: 'global',
  rule: 'ask-first',
  reason: 'Ask before calling this model.',
  onTimeout: 'DENY',
  timeoutSeconds: 120,
  approvers: 1,
};

function question(
  more: Partial<ApprovalQuestion> = {},
  opinion: Partial<Opinion> = {},
  revision = 7,
): ApprovalQuestion {
  const effective = { ...OPINION, ...opinion };
  const verdict: Verdict = { ...effective, revision, enforced: true, effective };
  return {
    verdict,
    actor: { kind: 'ai-agent', id: 'agent-1', name: 'bot', pid: process.pid },
    action: 'call',
    target: 'api.openai.com/v1/chat/completions',
    subject: 'process 1 ask-first api.openai.com',
    details: { model: 'gpt-4o' },
    ...more,
  };
}

const HERE = new AbortController().signal;

/** The id of the only question that waits. */
function onlyOf(desk: ApprovalDesk): string {
  const [one, ...others] = desk.list();
  expect(others).toEqual([]);
  if (one === undefined) throw new Error('nobody was asked');
  return one.id;
}

describe('a question', () => {
  test('is not shared by requests that look the same and are not', async () => {
    const { desk, say } = open();
    const [asked, behind] = ['a', 'b'].map((content) => desk.ask(question({ content }), HERE));
    const [first] = desk.list();
    await say({ approval: first?.id ?? '' });
    expect(await asked).toMatchObject({ outcome: 'ALLOW' });
    await say({ approval: onlyOf(desk), outcome: 'deny' });
    expect(await behind).toMatchObject({ outcome: 'DENY' });
    // Of what is kept on the disk and shown, it is no part.
    expect(desk.list()).toEqual([]);
  });

  test('is one question for all identical requests, and its answer is for nothing else', async () => {
    const { desk, say, events } = open();
    const same = [desk.ask(question(), HERE), desk.ask(question(), HERE)];
    const other = desk.ask(question({ details: { model: 'o3' } }), HERE);
    expect(desk.list().map(({ waiting }) => waiting)).toEqual([2, 1]);
    const [first] = desk.list();
    await say({ approval: first?.id ?? '' });
    expect(await Promise.all(same)).toEqual([
      expect.objectContaining({
        outcome: 'ALLOW',
        how: 'person',
        by: 'ann@example.test',
        approval: first?.id,
      }),
      expect.objectContaining({ outcome: 'ALLOW' }),
    ]);
    const left = onlyOf(desk);
    await say({ approval: left, outcome: 'deny', reason: 'Not this model.' });
    const denied = await other;
    expect(denied).toMatchObject({ outcome: 'DENY', how: 'person' });
    expect(denialText(question(), denied)).toMatch(
      /ann@example.test was asked and said no: Not this model.*Stop here/,
    );
    expect(events.map(({ type, data }) => [type, data.how, data.answered])).toEqual([
      ['approval.requested', undefined, undefined],
      ['approval.requested', undefined, undefined],
      ['approval.decided', 'person', 2],
      ['approval.decided', 'person', 1],
    ]);
    // Once was once.
    const again = desk.ask(question(), HERE);
    await say({ approval: onlyOf(desk), outcome: 'deny' });
    expect((await again).outcome).toBe('DENY');
  });

  test('is recorded with who asks; its details, which may be what somebody wrote, can be erased', () => {
    const { desk, events } = open();
    const details = { model: 'gpt-4o', preview: 'x'.repeat(10_000), files: Array(100).fill('f'.repeat(100)) };
    void desk.ask(question({ details }), HERE);
    expect(events[0]).toMatchObject({
      actor: { id: 'agent-1' },
      verdict: { outcome: 'PROMPT', rule: 'ask-first', revision: 7 },
      private: { details: { model: 'gpt-4o', preview: 'x'.repeat(300), files: expect.any(Array) } },
      data: { timeoutSeconds: 120, approversNeeded: 1, onTimeout: 'DENY' },
    });
    expect(events[0]?.data.subject).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(events[0]?.data)).not.toContain('gpt-4o');
    expect(JSON.stringify(events[0]?.private).length).toBeLessThan(16_000);
  });

  test.each([
    ['DENY', 'refused'],
    ['ALLOW', 'let through'],
  ] as const)(
    'that nobody answers ends as its rule says (%s), recorded as timed out',
    async (onTimeout, words) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
      const { desk, say, events } = open();
      const asked = desk.ask(question({}, { onTimeout, timeoutSeconds: 60 }), HERE);
      const id = onlyOf(desk);
      // Whoever sets the clock neither ends the wait nor makes it longer.
      vi.setSystemTime(Date.now() + 48 * 3_600_000);
      vi.advanceTimersByTime(59_999);
      expect(onlyOf(desk)).toBe(id);
      vi.setSystemTime(0);
      vi.advanceTimersByTime(1);
      expect(await asked).toMatchObject({ outcome: onTimeout, how: 'timeout', by: undefined });
      expect(events.at(-1)).toMatchObject({
        action: 'time out',
        actor: { kind: 'edge-agent' },
        data: { how: 'timeout', outcome: onTimeout, waitedMs: 60_000, approversGiven: 0 },
      });
      await expect(say({ approval: id })).rejects.toMatchObject({
        code: 'approval/decided',
        message: expect.stringContaining(words),
        details: { how: 'timeout' },
      });
    },
  );

  test('ends once: neither its time nor a hang-up after the answer adds another end to the record', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { desk, say, events } = open();
    const gone = new AbortController();
    const asked = desk.ask(question(), gone.signal);
    await say({ approval: onlyOf(desk) });
    expect((await asked).outcome).toBe('ALLOW');
    gone.abort();
    vi.advanceTimersByTime(3_600_000);
    await desk.close();
    expect(events.map(({ type, data }) => [type, data.how])).toEqual([
      ['approval.requested', undefined],
      ['approval.decided', 'person'],
    ]);
  });

  test('is withdrawn when the last who waits has gone, and not before', async () => {
    const { desk, say, events } = open();
    const [one, two] = [new AbortController(), new AbortController()];
    const asked = [desk.ask(question(), one.signal), desk.ask(question(), two.signal)];
    const id = onlyOf(desk);
    one.abort();
    expect(await asked[0]).toMatchObject({ outcome: 'DENY', how: 'withdrawn' });
    expect(onlyOf(desk)).toBe(id);
    two.abort();
    expect(await asked[1]).toMatchObject({ outcome: 'DENY', how: 'withdrawn' });
    expect(desk.list()).toEqual([]);
    await vi.waitFor(() => expect(events.at(-1)?.data.how).toBe('withdrawn'));
    await expect(say({ approval: id })).rejects.toMatchObject({ code: 'approval/decided' });
    const gone = await desk.ask(question(), two.signal);
    expect([gone.how, desk.list()]).toEqual(['withdrawn', []]);
  });

  test('that was never asked, or asked of another device, cannot be answered', async () => {
    const { say } = open();
    await expect(say({ approval: '6a3f4b1e-3d5e-4a53-9a0e-1b6f0f0c4d11' })).rejects.toMatchObject({
      code: 'approval/unknown',
    });
  });

  test('ends when the service stops, and no other is asked', async () => {
    const { desk } = open();
    const asked = desk.ask(question(), HERE);
    await desk.close();
    expect(await asked).toMatchObject({ outcome: 'DENY', how: 'withdrawn' });
    expect(await desk.ask(question({ subject: 'another' }), HERE)).toMatchObject({
      outcome: 'DENY',
      how: 'withdrawn',
    });
    expect(desk.list()).toEqual([]);
  });

  test('ends with the policy it was asked under', async () => {
    const { desk, state } = open();
    const asked = desk.ask(question(), HERE);
    desk.policyChanged();
    expect(desk.list()).toHaveLength(1);
    state.policy = 'p2';
    desk.policyChanged();
    expect(await asked).toMatchObject({
      outcome: 'DENY',
      how: 'withdrawn',
      reason: expect.stringContaining('policy'),
    });
  });
});

describe('an answer that holds for longer', () => {
  test('for the session answers the same question of this process, and nothing else', async () => {
    const { desk, say, state } = open();
    const first = desk.ask(question(), HERE);
    const waitsToo = desk.ask(question({ details: { model: 'o3' } }), HERE);
    await say({ approval: desk.list()[0]?.id ?? '', scope: 'session' });
    expect((await first).how).toBe('person');
    expect(await waitsToo).toMatchObject({ outcome: 'ALLOW', how: 'remembered', by: 'ann@example.test' });
    expect(await desk.ask(question({ details: { model: 'any' } }), HERE)).toMatchObject({
      how: 'remembered',
    });
    expect(desk.list()).toEqual([]);
    for (const different of [
      question({ subject: 'process 2 ask-first api.openai.com' }),
      question({}, { rule: 'other-rule' }),
      question({}, { approvers: 2 }),
      question({}, {}, 8),
    ]) {
      const gone = new AbortController();
      const asked = desk.ask(different, gone.signal);
      expect(desk.list()).toHaveLength(1);
      gone.abort();
      await asked;
    }
    state.policy = 'p2';
    void desk.ask(question(), HERE);
    expect(desk.list()).toHaveLength(1);
  });

  test('ends with the process', async () => {
    const child = spawn('/bin/sleep', ['60']);
    children.push(child);
    await once(child, 'spawn');
    const { desk, say } = open();
    const asker = { kind: 'ai-agent', id: 'a', name: 'bot', pid: child.pid ?? 0 } as const;
    const first = desk.ask(question({ actor: asker }), HERE);
    await say({ approval: onlyOf(desk), scope: 'session' });
    await first;
    expect((await desk.ask(question({ actor: asker }), HERE)).how).toBe('remembered');
    child.kill('SIGKILL');
    await once(child, 'exit');
    void desk.ask(question({ actor: asker }), HERE);
    expect(desk.list()).toHaveLength(1);
  });

  test('for minutes ends by the time since boot, whatever the clock is set to', async () => {
    const { desk, say, clock } = open();
    const first = desk.ask(question(), HERE);
    await say({ approval: onlyOf(desk), scope: 'minutes', minutes: 10 });
    await first;
    vi.useFakeTimers({ toFake: ['Date'] });
    vi.setSystemTime(Date.now() + 365 * 86_400_000);
    clock.at += 10 * 60_000 - 1;
    expect((await desk.ask(question(), HERE)).how).toBe('remembered');
    vi.setSystemTime(0);
    clock.at += 1;
    void desk.ask(question(), HERE);
    expect(desk.list()).toHaveLength(1);
  });

  test('survives a restart of the service, not one of the machine', async () => {
    const { desk, say, path, db } = open();
    const first = desk.ask(question(), HERE);
    await say({ approval: onlyOf(desk), scope: 'session' });
    await first;
    db.close();
    const again = open(path);
    expect(await again.desk.ask(question(), HERE)).toMatchObject({
      how: 'remembered',
      by: 'ann@example.test',
    });
    again.db.close();
    const rebooted = open(path);
    rebooted.clock.boot = 'boot-2';
    void rebooted.desk.ask(question(), HERE);
    expect(rebooted.desk.list()).toHaveLength(1);
  });

  test('a denial holds as well, so that nobody is asked until they give in', async () => {
    const { desk, say } = open();
    const first = desk.ask(question(), HERE);
    await say({ approval: onlyOf(desk), outcome: 'deny', scope: 'session' });
    await first;
    const again = await desk.ask(question(), HERE);
    expect(again).toMatchObject({ outcome: 'DENY', how: 'remembered' });
    expect(denialText(question(), again)).toContain('said no to the same question before');
  });

  test('is for once where the process is not known', async () => {
    const { desk, say } = open();
    const first = desk.ask(question({ actor: { kind: 'process', id: '', name: 'unknown' } }), HERE);
    expect(await say({ approval: onlyOf(desk), scope: 'session' })).toMatchObject({
      outcome: 'ALLOW',
      scope: 'once',
    });
    await first;
  });
});

describe('four eyes', () => {
  const two = () => question({}, { approvers: 2 });

  test('want two different people, however often one says yes', async () => {
    const { desk, say, events } = open();
    const asked = desk.ask(two(), HERE);
    const approval = onlyOf(desk);
    expect(await say({ approval, scope: 'session' })).toMatchObject({
      outcome: 'waiting',
      approversGiven: 1,
    });
    expect(await say({ approval, scope: 'session' })).toMatchObject({
      outcome: 'waiting',
      approversGiven: 1,
    });
    await expect(say({ approval, second: 'ann@example.test' })).rejects.toMatchObject({
      code: 'auth/second-approver',
    });
    expect(onlyOf(desk)).toBe(approval);
    // Both agreed to ten minutes only.
    await say({ approval, by: 'bob@example.test', scope: 'minutes', minutes: 10 });
    expect(await asked).toMatchObject({ outcome: 'ALLOW', by: 'ann@example.test and bob@example.test' });
    expect(events.at(-1)?.data).toMatchObject({
      by: 'ann@example.test',
      second: 'bob@example.test',
      approversNeeded: 2,
      approversGiven: 2,
      scope: 'minutes',
      minutes: 10,
    });
  });

  test('one denial denies, also after an allowance', async () => {
    const { desk, say } = open();
    const asked = desk.ask(two(), HERE);
    const approval = onlyOf(desk);
    await say({ approval });
    await say({ approval, by: 'bob@example.test', outcome: 'deny' });
    expect(await asked).toMatchObject({ outcome: 'DENY', by: 'bob@example.test' });
  });

  test('a signed command that names one person twice, or one where two are needed, allows nothing', async () => {
    const { desk } = open();
    const asked = desk.ask(two(), HERE);
    const approval = onlyOf(desk);
    const command = (given: Record<string, string | number>) =>
      decideApproval(desk, {
        kind: 'command',
        id: approval,
        organisation: approval,
        device: approval,
        verb: 'decide-approval',
        arguments: { approval, outcome: 'allow', scope: 'once', ...given },
        reason: 'Reviewed.',
        issuedAt: new Date().toISOString(),
        expiresAt: new Date().toISOString(),
      });
    await expect(command({ by: 'ann', second: 'ann' })).rejects.toMatchObject({
      code: 'auth/second-approver',
    });
    expect(await command({ by: 'ann' })).toMatchObject({ outcome: 'waiting' });
    for (const wrong of [
      { by: '' },
      { by: 'x', scope: 'forever' },
      { by: 'x', minutes: 5 },
      { by: 'x', more: 1 },
    ]) {
      await expect(command(wrong)).rejects.toMatchObject({ code: 'request/invalid' });
    }
    expect(onlyOf(desk)).toBe(approval);
    expect(await command({ by: 'bob' })).toMatchObject({ outcome: 'ALLOW' });
    expect((await asked).outcome).toBe('ALLOW');
  });
});

describe('a flood', () => {
  test('of one subject, of one AI agent and of all is refused with a reason, and memory stays bounded', async () => {
    const { desk } = open();
    const flood = async (ask: (index: number) => ApprovalQuestion, count: number) => {
      const refused: string[] = [];
      for (let index = 0; index < count; index += 1) {
        void desk.ask(ask(index), HERE).then(({ how, reason }) => {
          if (how === 'unavailable') refused.push(reason ?? '');
        });
      }
      await new Promise((resolve) => setImmediate(resolve));
      return refused;
    };
    const ofSubject = await flood((index) => question({ details: { index } }), 1_000);
    expect([ofSubject.length, desk.list().length]).toEqual([996, 4]);
    expect(ofSubject[0]).toContain('of this process about the same');
    const ofActor = await flood((index) => question({ subject: `subject ${index}` }), 1_000);
    expect([ofActor.length, desk.list().length]).toEqual([988, 16]);
    const many = (index: number) =>
      question({ subject: `s ${index}`, actor: { kind: 'ai-agent', id: `a ${index}`, name: 'bot' } });
    const ofAll = await flood(many, 1_000);
    expect([ofAll.length, desk.list().length]).toEqual([952, 64]);
    expect(ofAll[0]).toContain('of this machine');
  });

  test('of identical requests waits for one answer, up to a bound', async () => {
    const { desk, say } = open();
    const asked = Array.from({ length: 100 }, () => desk.ask(question(), HERE));
    expect(desk.list()[0]?.waiting).toBe(32);
    await say({ approval: onlyOf(desk) });
    const outcomes = (await Promise.all(asked)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'ALLOW')).toHaveLength(32);
  });

  test('of questions that are asked and withdrawn again stops after thirty within a minute', async () => {
    const { desk, clock, events } = open();
    const hang = async (index: number) => {
      const gone = new AbortController();
      const asked = desk.ask(question({ details: { index } }), gone.signal);
      gone.abort();
      return (await asked).how;
    };
    for (let index = 0; index < 30; index += 1) expect(await hang(index)).toBe('withdrawn');
    for (let index = 0; index < 200; index += 1) expect(await hang(index)).toBe('unavailable');
    expect(events.filter(({ type }) => type === 'approval.requested')).toHaveLength(30);
    clock.at += 60_000;
    expect(await hang(0)).toBe('withdrawn');
  });
});

describe('without a store', () => {
  test('nothing is allowed: not a question, not a remembered answer', async () => {
    const { desk, say, db } = open();
    const first = desk.ask(question(), HERE);
    await say({ approval: onlyOf(desk), scope: 'session' });
    await first;
    const waits = desk.ask(question({ subject: 'other' }), HERE);
    const id = onlyOf(desk);
    db.close();
    expect(await desk.ask(question(), HERE)).toMatchObject({ outcome: 'DENY', how: 'unavailable' });
    await expect(say({ approval: id })).rejects.toMatchObject({ code: 'store/full' });
    expect(await waits).toMatchObject({ outcome: 'DENY', how: 'unavailable' });
  });

  test('a yes that cannot be recorded is a no, and is not remembered as a yes', async () => {
    const { desk, say, state } = open();
    const asked = desk.ask(question(), HERE);
    const approval = onlyOf(desk);
    state.diskFull = true;
    await expect(say({ approval, scope: 'session' })).rejects.toMatchObject({ code: 'store/full' });
    expect(await asked).toMatchObject({ outcome: 'DENY', how: 'unavailable' });
    expect(await desk.ask(question(), HERE)).toMatchObject({ outcome: 'DENY', how: 'unavailable' });
    state.diskFull = false;
    void desk.ask(question(), HERE);
    expect(desk.list()).toHaveLength(1);
    await expect(say({ approval })).rejects.toMatchObject({ code: 'approval/decided' });
  });

  test('what waited when the agent was killed is recorded as withdrawn at the next start', async () => {
    const { desk, path, db } = open();
    void desk.ask(question(), HERE);
    const id = onlyOf(desk);
    db.close();
    const again = open(path);
    again.desk.resume();
    expect(again.events).toEqual([
      expect.objectContaining({
        type: 'approval.decided',
        data: expect.objectContaining({ approval: id, how: 'withdrawn', outcome: 'DENY', rule: 'ask-first' }),
      }),
    ]);
    await expect(again.say({ approval: id })).rejects.toMatchObject({ code: 'approval/decided' });
  });
});

describe('at the machine itself', () => {
  test('a device of an organisation can deny, never allow; one of its own can do both', async () => {
    const { desk } = open();
    const decide = (isEnrolled: boolean, outcome: Decision['outcome'], approval: string) =>
      answerApprovalRequest(desk, isEnrolled, {
        verb: 'decide-approval',
        decision: { approval, outcome, scope: 'once', by: 'root' },
      });
    const first = desk.ask(question({}, { layer: 'local' }), HERE);
    await expect(decide(true, 'allow', onlyOf(desk))).rejects.toMatchObject({ code: 'auth/forbidden' });
    await decide(true, 'deny', onlyOf(desk));
    expect(await first).toMatchObject({ outcome: 'DENY', how: 'person', by: 'root' });
    const second = desk.ask(question(), HERE);
    await decide(false, 'allow', onlyOf(desk));
    expect(await second).toMatchObject({ outcome: 'ALLOW', by: 'root' });
  });
});
