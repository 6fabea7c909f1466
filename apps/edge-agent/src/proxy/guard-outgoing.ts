import type { Verdict } from '@raypher/policy';
import type { OpenConnection } from '../connections/live-connections.ts';
import { PREVIEW_LENGTH } from '../connections/live-connections.ts';
import { askPerson } from './ask-person.ts';
import { type DataDecision, type DataOutcome, isRecorded } from './data-decision.ts';
import type { PlaceholderScope } from './data-guard.ts';
import type { Exchange } from './exchange.ts';
import { decideOutgoing, inspectOutgoing, type OutgoingInspection } from './inspect-outgoing.ts';
import { denialMessage } from './network-event.ts';
import type { Changes } from './outgoing-request.ts';
import type { ProxyContext } from './proxy-context.ts';
import { recordFound } from './record-found.ts';
import type { Stop } from './refusal.ts';
import { scopeOf } from './scope-of.ts';

/** A request as it may be sent, or why it may not. */
export type Guarded =
  | {
      readonly changes: Changes;
      readonly scope: PlaceholderScope | undefined;
      readonly redacted: number;
      /** Whether all of it was looked at and nothing was found. */
      readonly isClean: boolean;
    }
  | { readonly stop: Stop; readonly verdict: Verdict };

/** Looks through a request and does what policy says about what is in it. */
export async function guardOutgoing(
  context: ProxyContext,
  exchange: Exchange,
  connection: OpenConnection,
): Promise<Guarded> {
  const { destination } = exchange;
  const scope = scopeOf(context, exchange);
  const unchanged: Guarded = {
    changes: { path: destination.path, headers: [], body: undefined },
    scope,
    redacted: 0,
    isClean: false,
  };
  // For the live view a model call is looked through even where no rule asks for it: what is shown there is masked.
  if (!context.policy.inspects('out') && destination.provider === undefined) return unchanged;
  const inspection = await inspectOutgoing(exchange, context);
  connection.state.asked = inspection.preview.slice(0, PREVIEW_LENGTH);
  const { found, obstacles, unrecognised } = inspection;
  if (found.length === 0 && obstacles.length === 0) return { ...unchanged, isClean: unrecognised === 0 };
  if (!context.policy.inspects('out')) return unchanged;
  const decision = decideOutgoing(context, exchange, inspection);

  const done = await carryOut(context, exchange, connection, inspection, decision);
  const findings = inspection.located((finding) => isRecorded(decision.of(finding)));
  if (findings.length > 0) {
    recordFound(context, exchange, connection, {
      direction: 'out',
      verdict: decision.verdict,
      outcome: done.outcome,
      findings,
      redacted: 'redacted' in done.guarded ? done.guarded.redacted : 0,
      unrecognised,
    });
  }
  return done.guarded;
}

async function carryOut(
  context: ProxyContext,
  exchange: Exchange,
  connection: OpenConnection,
  inspection: OutgoingInspection,
  decision: DataDecision,
): Promise<{ guarded: Guarded; outcome: DataOutcome }> {
  const { verdict } = decision;
  const blocked = (message: string): { guarded: Guarded; outcome: DataOutcome } => ({
    guarded: { stop: { kind: 'data-blocked', message }, verdict },
    outcome: 'block',
  });
  if (decision.outcome === 'block') return blocked(denialMessage(verdict));
  let { outcome } = decision;
  if (outcome === 'prompt') {
    const kinds = [...new Set(inspection.found.map(({ detector }) => detector))].slice(0, 16);
    const asked = await askPerson(context, exchange, verdict, connection, {
      data: kinds,
      preview: connection.state.asked,
    });
    if (!asked.allowed) return { guarded: { stop: asked.stop, verdict }, outcome: 'block' };
    outcome = 'prompt';
  }
  const scope = scopeOf(context, exchange);
  const placeholders = scope?.placeholders ?? context.data.irreversible;
  const redacted = inspection.redact(
    (finding) => decision.of(finding)?.verdict.obligations?.includes('redact') === true,
    (finding, value) => placeholders.issue(finding, value),
  );
  if (redacted.left > 0) {
    return blocked(
      `${denialMessage(verdict)} It stands where it cannot be taken out without changing what the request means.`,
    );
  }
  const { path, headers, body, replaced } = redacted;
  return {
    guarded: { changes: { path, headers, body }, scope, redacted: replaced, isClean: false },
    outcome: outcome === 'prompt' ? 'prompt' : replaced > 0 ? 'redact' : outcome,
  };
}
