import {
  type ByteTransform,
  createRehydrator,
  createStreamScanner,
  type Finding,
  inspectBody,
  type Obstacle,
  type PartRole,
  recordFinding,
  rehydrateBody,
  type StreamFormat,
} from '@raypher/dlp';
import {
  type DataOutcome,
  type DecidedKind,
  decideData,
  isRecorded,
  placeKey,
  STRENGTH,
  withoutPerson,
} from './data-decision.ts';
import type { PlaceholderScope } from './data-guard.ts';
import type { Exchange } from './exchange.ts';
import type { LocatedFinding } from './found-event.ts';
import { isObstacle } from './inspect-outgoing.ts';
import type { ProxyContext } from './proxy-context.ts';

/** Data in an answer that must not reach the client. */
export class AnswerBlocked extends Error {
  override readonly name = 'AnswerBlocked';
}

/** What was found in an answer, and what was done. */
export interface AnswerFindings {
  readonly located: LocatedFinding[];
  /** The strictest of what was decided; undefined while nothing was found. */
  worst: DecidedKind | undefined;
  outcome: DataOutcome;
  redacted: number;
}

/**
 * Looks through an answer and puts back what was taken out of its question. Where a policy wants a person to be asked
 * about data in an answer, nobody can be: its first bytes have gone. What the rule says for no answer is done.
 */
export class AnswerInspector {
  #findings = nothingFound();
  readonly #context: ProxyContext;
  readonly #exchange: Exchange;
  readonly #scope: PlaceholderScope | undefined;
  readonly #looks: boolean;
  readonly #decided = new Map<string, DecidedKind | undefined>();

  /** @param scope of placeholders that are put back; undefined: none are */
  constructor(context: ProxyContext, exchange: Exchange, scope: PlaceholderScope | undefined) {
    this.#context = context;
    this.#exchange = exchange;
    this.#scope = scope;
    this.#looks = context.policy.inspects('in');
  }

  /** What was found since the last time this was asked. */
  takeFindings(): AnswerFindings {
    const taken = this.#findings;
    this.#findings = nothingFound();
    // A connection may last longer than a policy.
    this.#decided.clear();
    return taken;
  }

  /** Whether an answer leaves as it came whatever it holds. */
  get isIdle(): boolean {
    return !this.#looks && (this.#scope?.vault.size ?? 0) === 0;
  }

  /** @throws AnswerBlocked from `push` and `end` */
  stream(format: StreamFormat): ByteTransform {
    const steps: ByteTransform[] = [];
    if (this.#looks) {
      steps.push(
        createStreamScanner({
          ...this.#context.data.streamOptions,
          format,
          decide: ({ finding, value, place, redactable }) =>
            this.#replacement(finding, value, place.role, redactable),
        }),
      );
    }
    if (this.#scope !== undefined && this.#scope.vault.size > 0) {
      steps.push(createRehydrator(format, { vault: this.#scope.vault }));
    }
    return joined(steps);
  }

  /** @throws AnswerBlocked */
  whole(bytes: Uint8Array, contentType: string): Uint8Array {
    let answer = bytes;
    if (this.#looks) {
      const inspection = inspectBody(bytes, contentType, this.#context.data.options);
      const [obstacle] = inspection.obstacles.filter(isObstacle);
      if (obstacle !== undefined) this.unreadable(OBSTACLES[obstacle.reason]);
      if (inspection.parts.some(({ findings }) => findings.length > 0)) {
        answer = inspection.rewrite((finding, part, value) =>
          this.#replacement(finding, value, part.role, part.redactable),
        ).content;
      }
    }
    const { vault } = this.#scope ?? {};
    return vault === undefined || vault.size === 0 ? answer : rehydrateBody(answer, contentType, { vault });
  }

  /**
   * The answer, or a part of it, cannot be looked through.
   *
   * @throws AnswerBlocked when policy lets nothing pass that nobody looked at
   */
  unreadable(why: string): void {
    if (!this.#looks) return;
    const { verdict, outcome } = decideData(this.#context, this.#exchange, 'in', null);
    if (withoutPerson({ verdict, outcome }) === 'block') throw new AnswerBlocked(`${why}.`);
  }

  #replacement(finding: Finding, value: string, role: PartRole, redactable: boolean): string | undefined {
    const { data } = this.#context;
    const kind = this.#decide(finding);
    if (kind === undefined || !isRecorded(kind)) return undefined;
    const record = recordFinding(value, { ...finding, start: 0, end: value.length }, data.hash);
    this.#findings.located.push({ record, role });
    const outcome = withoutPerson(kind);
    if (this.#findings.worst === undefined || STRENGTH[outcome] > STRENGTH[this.#findings.outcome]) {
      this.#findings.worst = kind;
      this.#findings.outcome = outcome;
    }
    if (outcome === 'block') throw new AnswerBlocked(kind.verdict.effective.reason);
    if (outcome !== 'redact') return undefined;
    if (!redactable) throw new AnswerBlocked('Data stands where it cannot be taken out.');
    this.#findings.redacted += 1;
    return data.irreversible.issue(finding, value);
  }

  #decide(finding: Finding): DecidedKind | undefined {
    const key = placeKey(finding);
    if (!this.#decided.has(key)) {
      const decision = decideData(this.#context, this.#exchange, 'in', [finding]);
      this.#decided.set(key, decision.of(finding));
    }
    return this.#decided.get(key);
  }
}

/** Why an answer cannot be looked through, for the person. */
const OBSTACLES: Readonly<Record<Obstacle['reason'], string>> = {
  nesting: 'it is packed deeper than is looked',
  size: 'it has more parts than are looked through',
  charset: 'its character set is not known',
  binary: 'it is no text',
};

function nothingFound(): AnswerFindings {
  return { located: [], worst: undefined, outcome: 'allow', redacted: 0 };
}

function joined(steps: readonly ByteTransform[]): ByteTransform {
  const [first, second] = steps;
  if (first === undefined) return { push: (chunk) => chunk, end: () => new Uint8Array(0) };
  if (second === undefined) return first;
  return {
    push: (chunk) => second.push(first.push(chunk)),
    end: () => Buffer.concat([second.push(first.end()), second.end()]),
  };
}
