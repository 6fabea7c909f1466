import { inputTokens } from '@raypher/cost';
import type { ModelRoute, Verdict } from '@raypher/policy';
import type { LedgerEntry } from '@raypher/shared';
import { maskText } from '../discovery/mask.ts';
import type { AddressFacts } from '../egress/reach.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { CallCost } from './answer-reader.ts';
import type { Caller } from './caller.ts';
import type { CredentialRefusal } from './credentials.ts';
import type { UninspectedReason } from './proxied-tunnel.ts';
import type { RefusalKind } from './refusal.ts';
import type { Outcome } from './relay.ts';

/** What became of one call. */
export interface CallFacts {
  /** 0 when there was no answer. */
  status: number;
  bytesSent: number;
  bytesReceived: number;
  streamed: boolean;
  /** Why it was not sent on; undefined when it was. */
  stopped?: RefusalKind;
  /** Why the answer ended before its end. */
  brokenOff?: Outcome['brokenOff'];
  /** Undefined when nothing was charged. */
  charge?: CallCost | undefined;
  /** Pieces of data that were taken out. */
  redacted?: number;
  /** `own`, `none` or `sealed:NAME`; undefined where nobody could see it. */
  credential?: string | undefined;
  /** How often each value for any API was used by then. */
  credentialUses?: Readonly<Record<string, number>>;
  /** Id of the question that a person answered. */
  approval?: string | undefined;
  /** The model that was asked for, and where policy sent the call instead. */
  asked?: string | undefined;
  route?: ModelRoute | undefined;
}

export interface NetworkFacts extends CallFacts {
  type: 'network.request' | 'network.tunnel';
  host: string;
  port: number;
  /** What is known of the address that the verdict is about. */
  address: AddressFacts;
  method: string;
  /** With a query, which is not recorded. */
  path: string;
  provider: string | undefined;
  model: string | null | undefined;
  caller: Caller;
  verdict: Verdict;
  /** Whether it was carried out. */
  denied: boolean;
  durationMs: number;
  inspected: boolean;
  /** Why not. */
  uninspectedBecause?: UninspectedReason | undefined;
}

/** One request as the ledger keeps it: no query, no headers, no bodies. */
export function networkEvent(facts: NetworkFacts): EventDraft {
  const { verdict, caller, denied } = facts;
  const path = maskPath(facts.path.split(/[?#]/, 1)[0] ?? '');
  const wouldBlock = verdict.outcome === 'DENY' && !denied;
  return {
    type: facts.type,
    severity: denied || wouldBlock ? 'warning' : 'info',
    actor: actorOf(caller),
    action: facts.type === 'network.tunnel' ? 'open tunnel' : 'call',
    target: facts.type === 'network.tunnel' ? `${facts.host}:${facts.port}` : `${facts.host}${path}`,
    verdict: {
      outcome: verdict.outcome,
      mode: verdict.mode,
      layer: verdict.layer,
      rule: verdict.rule,
      reason: verdict.reason,
      revision: verdict.revision,
    },
    data: {
      host: facts.host,
      port: facts.port,
      ...addressFacts(facts.address),
      ...(caller.redirectedFrom === undefined ? {} : { redirectedFrom: caller.redirectedFrom }),
      method: facts.method,
      ...(facts.provider === undefined ? {} : { provider: facts.provider }),
      ...(facts.model === undefined ? {} : { model: facts.model ?? 'unknown' }),
      status: facts.status,
      denied,
      wouldBlock,
      bytesSent: facts.bytesSent,
      bytesReceived: facts.bytesReceived,
      durationMs: Math.round(facts.durationMs),
      streamed: facts.streamed,
      inspected: facts.inspected,
      ...(facts.uninspectedBecause === undefined ? {} : { uninspectedBecause: facts.uninspectedBecause }),
      ...(facts.credential === undefined ? {} : { credential: facts.credential }),
      ...usesFacts(facts.credentialUses),
      ...(facts.stopped === undefined ? {} : { stopped: facts.stopped }),
      ...(facts.brokenOff === undefined ? {} : { brokenOff: facts.brokenOff }),
      ...(facts.approval === undefined ? {} : { approval: facts.approval }),
      ...((facts.redacted ?? 0) === 0 ? {} : { redacted: facts.redacted ?? 0 }),
      ...routeFacts(facts.asked, facts.route),
      ...costFacts(facts.charge),
    },
  };
}

function addressFacts({ address, localChoice }: AddressFacts): EventDraft['data'] {
  return {
    ...(typeof address === 'string' ? { address } : {}),
    ...(localChoice === undefined ? {} : { localChoice }),
  };
}

function usesFacts(uses: CallFacts['credentialUses'] = {}): EventDraft['data'] {
  const counts = Object.entries(uses).map(([name, count]) => `${name} ${count}`);
  return counts.length === 0 ? {} : { credentialUses: counts };
}

function routeFacts(asked: string | undefined, route: ModelRoute | undefined): EventDraft['data'] {
  if (route === undefined) return {};
  return {
    ...(asked === undefined ? {} : { askedModel: asked }),
    routedTo: route.model,
    routedBy: route.steps.map(({ layer, rule }) => `${layer}/${rule}`),
    routed: route.enforced,
  };
}

/** Money in whole micro-dollars. What nobody knows is absent, never zero. */
function costFacts(charge: CallCost | undefined): EventDraft['data'] {
  if (charge === undefined) return {};
  const { usage, cost } = charge;
  const { tokens } = usage;
  return {
    inputTokens: inputTokens(tokens),
    outputTokens: tokens.output + tokens.reasoning + tokens.audioOutput + tokens.imageOutput,
    cachedTokens: tokens.cacheRead,
    tokensEstimated: usage.estimated,
    ...(cost.known ? { costMicros: cost.micros, costEstimated: cost.estimated } : {}),
    ...(cost.known && cost.pricedAs !== undefined ? { pricedAs: cost.pricedAs } : {}),
  };
}

/** A request that was refused because of the credential it asked for: in every mode, whatever policies say. */
export function credentialRefused(facts: {
  host: string;
  path: string;
  provider: string | undefined;
  caller: Caller;
  status: number;
  refusal: CredentialRefusal;
  /** Of the policy in force. */
  revision: number;
}): EventDraft {
  const { code, rule, message, secret } = facts.refusal;
  const path = maskPath(facts.path.split(/[?#]/, 1)[0] ?? '');
  return {
    type: 'vault.refused',
    severity: 'warning',
    actor: actorOf(facts.caller),
    action: 'use a sealed key',
    target: `${facts.host}${path}`,
    verdict: {
      outcome: 'DENY',
      mode: 'enforce',
      layer: 'builtin',
      rule,
      reason: message,
      revision: facts.revision,
    },
    data: {
      code,
      host: facts.host,
      status: facts.status,
      ...(secret === undefined ? {} : { secret }),
      ...(facts.provider === undefined ? {} : { provider: facts.provider }),
    },
  };
}

/** Some services take their credential as a part of the path: a bot's token, the secret of a webhook. */
export function maskPath(path: string): string {
  return path
    .split('/')
    .map((part) => (/^bot\d+:/.test(part) ? 'bot***' : maskText(part)))
    .join('/');
}

/** Who made a call, for the ledger. */
export function actorOf({ process, agent }: Caller): LedgerEntry['actor'] {
  const pid = process === undefined ? {} : { pid: process.pid };
  if (agent === null || agent === undefined) {
    const name = process === undefined ? 'unknown process' : `process ${process.pid}`;
    return { kind: 'process', id: '', name, ...pid };
  }
  return { kind: 'ai-agent', id: agent.id, name: agent.name, user: agent.user, ...pid };
}

/** What the person in front of the AI agent is told. */
export function denialMessage(verdict: Verdict): string {
  const { rule, reason, layer } = verdict.effective;
  const source = layer === 'builtin' ? rule : `${layer} policy rule ${rule}`;
  return `Blocked by Raypher: ${reason.replace(/\.$/, '')}. (${source}, revision ${verdict.revision})`;
}
