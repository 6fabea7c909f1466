import { describe, expect, it } from 'vitest';
import { request } from '../gate/gate.test-support.ts';
import { connectGate } from '../node/connect-gate.ts';
import { gateOverSocket, HERE } from '../node/gate-over-socket.test-support.ts';
import { nodePrimitives } from '../node/node-primitives.ts';
import { PendingPrompts, type PromptAnswer, type PromptQuestion } from './pending-prompts.ts';

/** A person who answers when told to. */
class Person {
  readonly asked: (PromptQuestion & {
    gone: AbortSignal;
    answered: Promise<PromptAnswer>;
    answer: (answer: PromptAnswer) => void;
  })[] = [];

  readonly ask = (question: PromptQuestion, gone: AbortSignal): Promise<PromptAnswer> => {
    const { promise, resolve } = Promise.withResolvers<PromptAnswer>();
    this.asked.push({ ...question, gone, answered: promise, answer: resolve });
    return promise;
  };

  agree = () => this.asked.at(-1)?.answer({ outcome: 'ALLOW', reason: 'Ada agreed.' });
  refuse = () => this.asked.at(-1)?.answer({ outcome: 'DENY', reason: 'Ada refused.' });
}

async function setUp() {
  const person = new Person();
  const setting = await gateOverSocket({}, { ask: person.ask });
  const gate = await connectGate(setting.ordinary.path);
  return { person, setting, gate, path: setting.ordinary.path };
}

const PROMPT = request('prompt/deploy');

describe('a question to a person', () => {
  it('is answered with its id at once; the answer is a permit for one use of that action by that process', async () => {
    const { person, setting, gate } = await setUp();
    await using _ = setting;
    const asked = await gate.check(PROMPT);
    expect(asked).toMatchObject({
      verdict: 'PROMPT',
      message: expect.stringContaining('Waiting for a person'),
    });
    const { approval = '' } = asked;
    expect(await gate.approvalResult(approval)).toEqual({ pending: true });
    expect(await gate.check(PROMPT)).toMatchObject({ approval });
    expect(person.asked).toHaveLength(1);

    const waiting = gate.approvalResult(approval, 5_000);
    person.agree();
    const answer = await waiting;
    if (!('permit' in answer) || answer.permit === undefined) throw new Error('no permit');
    const { permit } = answer;
    await expect(gate.approvalResult(approval)).rejects.toThrow(/no such question/);
    expect(await gate.check(request('prompt/other'), { permit })).toMatchObject({
      verdict: 'DENY',
      rule: 'permit/other-action',
    });
    expect(await gate.check(PROMPT, { permit })).toMatchObject({ verdict: 'ALLOW', source: 'permit' });
    expect(await gate.check(PROMPT, { permit })).toMatchObject({ verdict: 'DENY', rule: 'permit/used' });
  });

  it('that is waited for allows one action, and the next one asks again', async () => {
    const { person, setting, gate } = await setUp();
    await using _ = setting;
    const waiting = gate.check(PROMPT, { waitMs: 5_000 });
    await expect.poll(() => person.asked.length).toBe(1);
    person.agree();
    expect(await waiting).toMatchObject({ verdict: 'ALLOW', source: 'approval', reason: 'Ada agreed.' });
    expect(await gate.check(PROMPT)).toMatchObject({ verdict: 'PROMPT' });
    expect(person.asked).toHaveLength(2);
  });

  it('that was refused is not put again for a while, whoever repeats it', async () => {
    const { person, setting, gate } = await setUp();
    await using _ = setting;
    const waiting = gate.check(PROMPT, { waitMs: 5_000 });
    await expect.poll(() => person.asked.length).toBe(1);
    person.refuse();
    expect(await waiting).toMatchObject({
      verdict: 'DENY',
      source: 'approval',
      message: expect.stringContaining('Do not try to reach the same result in another way'),
    });
    expect(await gate.check(PROMPT)).toMatchObject({ verdict: 'DENY', reason: 'Ada refused.' });
    expect(person.asked).toHaveLength(1);
    setting.time.now += 300_000;
    expect(await gate.check(PROMPT)).toMatchObject({ verdict: 'PROMPT' });
    expect(person.asked).toHaveLength(2);
  });

  it('does not outlive a ban that came while somebody thought about it', async () => {
    const { person, setting, gate } = await setUp();
    await using _ = setting;
    const waiting = gate.check(PROMPT, { waitMs: 5_000 });
    await expect.poll(() => person.asked.length).toBe(1);
    setting.policy.revision = 2;
    setting.policy.next = (decision) => ({ ...decision, verdict: 'DENY' });
    person.agree();
    expect(await waiting).toMatchObject({ verdict: 'DENY', source: 'policy', revision: 2 });
  });

  it('does not outlive another policy that asks as well', async () => {
    const { person, setting, gate } = await setUp();
    await using _ = setting;
    const change = () => {
      // As a change of the local document does, which has no revision.
      setting.time.now += 1;
      setting.gate.policyChanged();
    };
    const approve = async () => {
      const { approval = '' } = await gate.check(PROMPT);
      const waiting = gate.approvalResult(approval, 5_000);
      person.agree();
      return waiting;
    };
    // Answered, and not picked up.
    const { approval } = await gate.check(PROMPT);
    person.agree();
    await person.asked.at(-1)?.answered;
    change();
    expect(await gate.check(PROMPT)).toMatchObject({
      verdict: 'PROMPT',
      approval: expect.not.stringMatching(approval ?? ''),
    });
    expect(person.asked).toHaveLength(2);
    // Picked up as a permit, and not used.
    const answer = await approve();
    if (!('permit' in answer) || answer.permit === undefined) throw new Error('no permit');
    const { permit } = answer;
    change();
    expect(await gate.check(PROMPT, { permit })).toMatchObject({
      verdict: 'DENY',
      rule: 'permit/before-start',
    });
    // Agreed to before, known after.
    const late = await gate.check(PROMPT);
    change();
    person.agree();
    expect(await gate.approvalResult(late.approval ?? '', 5_000)).toMatchObject({ allowed: false });
    expect(await gate.check(PROMPT)).toMatchObject({ verdict: 'PROMPT' });
  });

  it('is withdrawn when the one who waits goes away, and waits no longer than it was told', async () => {
    const { person, setting, gate, path } = await setUp();
    await using _ = setting;
    expect(await gate.check(PROMPT, { waitMs: 10 })).toMatchObject({ verdict: 'PROMPT' });
    const other = await connectGate(path);
    const waiting = other.check(request('prompt/else'), { waitMs: 60_000 });
    await expect.poll(() => person.asked.length).toBe(2);
    other.close();
    await expect(waiting).rejects.toThrow();
    await expect.poll(() => person.asked[1]?.gone.aborted).toBe(true);
    expect(person.asked[0]?.gone.aborted).toBe(false);
  });

  it('waits in no batch and for no notification', async () => {
    const { person, setting } = await setUp();
    await using _ = setting;
    const call = (id: number | undefined) => ({
      jsonrpc: '2.0',
      id,
      method: 'gate_check',
      params: { request: PROMPT, wait: true },
    });
    const context = { caller: HERE, mint: false, later: () => expect.unreachable() };
    expect(JSON.parse(setting.handler(JSON.stringify([call(1)]), context) ?? '')).toMatchObject([
      { result: { verdict: 'PROMPT' } },
    ]);
    expect(setting.handler(JSON.stringify(call(undefined)), context)).toBeUndefined();
    expect(person.asked).toHaveLength(1);
  });
});

describe('the memory for questions', () => {
  const limits = { capacity: 3, perUser: 2, keep: 1_000 };
  const question = (uid: number, target: string): PromptQuestion => ({
    car: nodePrimitives.sha256Hex(target),
    action: { v: 1, action: 'tool.call', target },
    caller: { uid },
  });

  it('is bounded, for each user and for all', () => {
    const prompts = new PendingPrompts(new Person().ask, limits, nodePrimitives, () => 0);
    const opened = [
      [1, 'a'],
      [1, 'b'],
      [1, 'c'],
      [2, 'a'],
      [2, 'b'],
    ] as const;
    expect(opened.map(([uid, target]) => prompts.open(question(uid, target)) !== undefined)).toEqual([
      true,
      true,
      false,
      true,
      false,
    ]);
  });

  it("shows nobody another user's question", () => {
    const prompts = new PendingPrompts(new Person().ask, limits, nodePrimitives, () => 0);
    const id = prompts.open(question(1, 'a'))?.id ?? '';
    expect(prompts.find(id, { uid: 1 })).toBeDefined();
    expect(prompts.find(id, { uid: 2 })).toBeUndefined();
  });

  it('takes a failure to ask for a no', async () => {
    const ask = () => Promise.reject(new Error('no store'));
    const prompts = new PendingPrompts(ask, limits, nodePrimitives, () => 0);
    const prompt = prompts.open(question(1, 'a'));
    if (prompt === undefined) throw new Error('not opened');
    expect(await prompts.wait(prompt, 1_000, undefined)).toBe(true);
    expect(prompts.take(prompt)).toMatchObject({ outcome: 'DENY' });
  });
});
