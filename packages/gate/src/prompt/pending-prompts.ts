import type { ActionRequest } from '../canonical/action-request.ts';
import { type Caller, closestSubject } from '../permit/subject.ts';
import type { Primitives } from '../primitives/primitives.ts';
import type { Clock } from '../time/steady-clock.ts';

/** What a person is asked about. */
export interface PromptQuestion {
  readonly car: string;
  readonly action: ActionRequest;
  readonly caller: Caller;
}

export interface PromptAnswer {
  readonly outcome: 'ALLOW' | 'DENY';
  /** One sentence: who decided, or that nobody did in time. */
  readonly reason: string;
  /** With DENY: the whole text for the AI agent, where there is a better one than the gate's own. */
  readonly message?: string | undefined;
}

/** Asks a person and waits. Where it fails, the answer is DENY. */
export type AskPerson = (question: PromptQuestion, gone: AbortSignal) => Promise<PromptAnswer>;

export interface PromptLimits {
  /** Questions that are open, or answered and not picked up. */
  readonly capacity: number;
  /** Of them, at most this many of one user. */
  readonly perUser: number;
  /** Milliseconds that an answer waits to be picked up. */
  readonly keep: number;
}

/** A question on its way to a person, or answered and not picked up. */
export interface Prompt {
  /** Names it to whoever asked; it says nothing else. */
  readonly id: string;
  readonly question: PromptQuestion;
  readonly answered: Promise<PromptAnswer>;
}

interface Held extends Prompt {
  readonly gone: AbortController;
  /** How often the policy had changed when it was asked. */
  readonly policy: number;
  answer: PromptAnswer | undefined;
  /** Of the answer, milliseconds. */
  expires: number;
  /** Calls that wait for it now. */
  waiting: number;
}

const ID_BYTES = 16;

/** What a person said yes to is not what is asked now. */
const OUTDATED: PromptAnswer = {
  outcome: 'DENY',
  reason: 'The policy changed after a person was asked. Ask again.',
};

/**
 * Questions that people were asked for callers of the gate. The same action of the same process is one question,
 * however often it is asked about: whoever repeats itself bothers nobody twice, and an answer counts for one action.
 */
export class PendingPrompts {
  readonly #ask: AskPerson;
  readonly #limits: PromptLimits;
  readonly #primitives: Primitives;
  readonly #clock: Clock;
  readonly #prompts = new Map<string, Held>();
  readonly #byAction = new Map<string, string>();
  #policy = 0;

  constructor(ask: AskPerson, limits: PromptLimits, primitives: Primitives, clock: Clock) {
    this.#ask = ask;
    this.#limits = limits;
    this.#primitives = primitives;
    this.#clock = clock;
  }

  /** @returns `undefined` when too many are open */
  open(question: PromptQuestion): Prompt | undefined {
    this.#forgetExpired();
    const name = nameOf(question);
    const before = this.#prompts.get(this.#byAction.get(name) ?? '');
    const isOutdated = before?.answer !== undefined && before.policy !== this.#policy;
    if (before !== undefined && !isOutdated) return before;
    if (before !== undefined) this.#forget(before);
    if (this.#prompts.size >= this.#limits.capacity) return undefined;
    const { uid } = question.caller;
    const own = [...this.#prompts.values()].filter((held) => held.question.caller.uid === uid);
    if (own.length >= this.#limits.perUser) return undefined;

    const gone = new AbortController();
    const answered = this.#ask(question, gone.signal).catch(
      (): PromptAnswer => ({ outcome: 'DENY', reason: 'Nobody could be asked.' }),
    );
    const id = this.#primitives.randomHex(ID_BYTES);
    const held: Held = {
      id,
      question,
      answered,
      gone,
      policy: this.#policy,
      answer: undefined,
      expires: Number.POSITIVE_INFINITY,
      waiting: 0,
    };
    this.#prompts.set(id, held);
    this.#byAction.set(name, id);
    void answered.then((answer) => {
      held.answer = answer;
      held.expires = this.#clock() + this.#limits.keep;
    });
    return held;
  }

  /** One of this user; another's does not exist. */
  find(id: string, { uid }: Caller): Prompt | undefined {
    this.#forgetExpired();
    const held = this.#prompts.get(id);
    return held?.question.caller.uid === uid ? held : undefined;
  }

  /** The answer, once there is one. A yes is handed out once and is gone; a no stays for a while. */
  take({ id }: Prompt): PromptAnswer | undefined {
    const held = this.#prompts.get(id);
    if (held?.answer?.outcome !== 'ALLOW') return held?.answer;
    this.#forget(held);
    return held.policy === this.#policy ? held.answer : OUTDATED;
  }

  /**
   * Waits for an answer.
   *
   * @param milliseconds at most
   * @param gone aborted when whoever waits has gone: a question that nobody waits for is withdrawn
   * @returns whether there is one
   */
  async wait({ id }: Prompt, milliseconds: number, gone: AbortSignal | undefined): Promise<boolean> {
    const held = this.#prompts.get(id);
    if (held === undefined) return false;
    held.waiting += 1;
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    const timer = setTimeout(stop, milliseconds);
    gone?.addEventListener('abort', () => stop(), { once: true });
    if (gone?.aborted === true) stop();
    try {
      await Promise.race([held.answered, stopped]);
    } finally {
      clearTimeout(timer);
      held.waiting -= 1;
    }
    if (gone?.aborted === true && held.waiting === 0 && held.answer === undefined) {
      this.#forget(held);
      held.gone.abort();
    }
    return held.answer !== undefined;
  }

  /** What was answered and not picked up says nothing any more; the same is asked anew. */
  policyChanged(): void {
    this.#policy += 1;
  }

  /** Withdraws every question: the gate ends. */
  close(): void {
    for (const held of this.#prompts.values()) held.gone.abort();
    this.#prompts.clear();
    this.#byAction.clear();
  }

  #forgetExpired(): void {
    const now = this.#clock();
    for (const held of this.#prompts.values()) if (held.expires <= now) this.#forget(held);
  }

  #forget(held: Held): void {
    this.#prompts.delete(held.id);
    this.#byAction.delete(nameOf(held.question));
  }
}

/** A CAR hash has a fixed length, so that no two pairs share a name. */
function nameOf({ car, caller }: PromptQuestion): string {
  return `${car}${closestSubject(caller)}`;
}
