import { inspectBody } from '@raypher/dlp';
import { type DataDecision, isRecorded, withoutPerson } from '../proxy/data-decision.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { type FoundOutcome, type LocatedFinding, locatedFindings } from '../proxy/found-event.ts';
import { AnswerBlocked } from '../proxy/inspect-answer.ts';
import { decideOutgoing, isObstacle } from '../proxy/inspect-outgoing.ts';
import type { ProxyContext } from '../proxy/proxy-context.ts';
import { scopeOf } from '../proxy/scope-of.ts';
import { kindOf, type Message, type MessageInspector } from './message.ts';

/** What was found in one message and done about it. */
export interface OutgoingFindings {
  readonly decision: DataDecision;
  readonly outcome: FoundOutcome;
  readonly findings: readonly LocatedFinding[];
  readonly redacted: number;
}

/**
 * What an AI agent sends, each message for itself. Nobody can be asked while the server waits for the next message: what
 * a rule says for no answer is done.
 */
export class OutgoingMessages implements MessageInspector {
  readonly isHolding = false;
  readonly #context: ProxyContext;
  readonly #exchange: Exchange;
  readonly #record: (found: OutgoingFindings) => void;

  constructor(context: ProxyContext, exchange: Exchange, record: (found: OutgoingFindings) => void) {
    this.#context = context;
    this.#exchange = exchange;
    this.#record = record;
  }

  push(message: Message): readonly Message[] {
    const { policy, data } = this.#context;
    const kind = kindOf(message);
    if (kind === 'bytes' || !policy.inspects('out')) return [message];
    const type = kind === 'json' ? 'application/json' : 'text/plain';
    const inspection = inspectBody(message.bytes, type, data.options);
    const found = inspection.parts.flatMap(({ findings }) => findings);
    const obstacles = inspection.obstacles.filter(isObstacle);
    if (found.length === 0 && obstacles.length === 0) return [message];
    const decision = decideOutgoing(this.#context, this.#exchange, { found, obstacles });
    const outcome = withoutPerson(decision);
    const record = (carriedOut: FoundOutcome, redacted: number): void => {
      const recorded = inspection.parts.map((part) => ({
        ...part,
        findings: part.findings.filter((finding) => isRecorded(decision.of(finding))),
      }));
      const findings = locatedFindings(recorded, data.hash);
      if (findings.length > 0) this.#record({ decision, outcome: carriedOut, findings, redacted });
    };
    const blocked = (why: string): AnswerBlocked => {
      record('block', 0);
      return new AnswerBlocked(why);
    };
    if (outcome === 'block') throw blocked(decision.verdict.effective.reason);
    const placeholders = scopeOf(this.#context, this.#exchange)?.placeholders ?? data.irreversible;
    const { content, replaced, left } = inspection.rewrite((finding, _part, value) =>
      decision.of(finding)?.verdict.obligations?.includes('redact') === true
        ? placeholders.issue(finding, value)
        : undefined,
    );
    if (left.length > 0) throw blocked('Data stands where it cannot be taken out.');
    record(replaced > 0 ? 'redact' : outcome, replaced);
    return [replaced > 0 ? { ...message, bytes: Buffer.from(content) } : message];
  }

  flush(): readonly Message[] {
    return [];
  }
}
