import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OpenConnection } from '../connections/live-connections.ts';
import { ruleOf } from '../connections/rule-of.ts';
import type { Route } from '../egress/reach.ts';
import { relayWebSocket } from '../web-socket/relay-web-socket.ts';
import type { Upgrade } from '../web-socket/upgrade.ts';
import { callerMessage, callerRefusal, callerRefused } from './allowed-callers.ts';
import type { CallCost } from './answer-reader.ts';
import { boundCredential } from './bound-credential.ts';
import { chargeOf } from './call-charge.ts';
import { clientGone } from './client-gone.ts';
import { countBytes } from './count-bytes.ts';
import { credentialFor, credentialLabel } from './credentials.ts';
import { type CallDecision, decideCall } from './decide-call.ts';
import { destinationOf } from './destination.ts';
import { Exchange } from './exchange.ts';
import { guardOutgoing } from './guard-outgoing.ts';
import { denialOf, holdMoney, isRefused } from './hold-money.ts';
import { AnswerInspector } from './inspect-answer.ts';
import { type CallFacts, credentialRefused, networkEvent } from './network-event.ts';
import { outgoingRequest } from './outgoing-request.ts';
import { prepareMoney } from './prepare-money.ts';
import { leadsBack, type ProxyContext } from './proxy-context.ts';
import type { Reached } from './reached.ts';
import { recordAnswer } from './record-found.ts';
import { refuse, type Stop } from './refusal.ts';
import { type Relayed, relay } from './relay.ts';
import { rememberTranscript, scannerVersion } from './remember-transcript.ts';
import { readRequestBody } from './request-body.ts';
import { requestFault } from './request-fault.ts';
import { routed } from './route-call.ts';
import { isFromForeignPage } from './web-page.ts';

const NOT_ROUTED =
  'Blocked by Raypher: policy sends this call to another model, and the request names its model in a way that cannot be changed.';

/**
 * Carries one request through: who is it, what for, may it, what is in it, what may it cost; then on to the upstream
 * and back as it comes. Leaves one event about the call, whatever happens, and one about what was found in each
 * direction.
 *
 * @param reached for a request inside an intercepted tunnel
 * @param upgrade for one that wants to become a WebSocket
 */
export async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  context: ProxyContext,
  reached?: Reached,
  upgrade?: Upgrade,
): Promise<void> {
  const exchange = await admit(request, response, context, reached, upgrade);
  if (exchange === undefined) return;
  await prepareMoney(context, exchange);
  const reach = await context.upstreams.reach(exchange.destination, (address) =>
    decideCall(context, exchange, [address]),
  );
  const early = reach.decision;
  if (isRefused(early)) {
    stop(context, exchange, early, denialOf(context, early));
    return;
  }
  const { destination, caller } = exchange;
  const { host, port } = destination;
  const standing = await callerRefusal(context, caller);
  if (standing !== undefined) {
    refuse(response, destination.dialect, 'not-allowed', callerMessage(standing));
    context.record(callerRefused(standing, caller, { host, port, method: exchange.method }, early.verdict));
    return;
  }
  if (reach.kind !== 'open') {
    const why = reach.kind === 'unresolved' ? reach.why : 'DENIED';
    const message = `${host} cannot be resolved: ${why}.`;
    const status = refuse(response, destination.dialect, 'unreachable', message);
    record(context, exchange, early, { status, bytesReceived: 0, bytesSent: 0, streamed: false });
    return;
  }
  exchange.addresses = reach.route.facts;
  const connection = context.connections.open({
    kind: exchange.upgrade === undefined ? 'request' : 'websocket',
    process: caller.process,
    agent: caller.agent ?? undefined,
    host,
    port,
    method: exchange.method,
    path: context.data.recordedPath(exchange.path),
    provider: destination.provider?.id,
    model: context.data.recordedModel(early.model) ?? undefined,
    ...ruleOf(early.verdict),
  });
  try {
    await carry(context, exchange, early, reach.route, connection);
  } finally {
    connection.close();
  }
}

/** What is wrong with a request whoever sends it; then who sends it, and its body. */
async function admit(
  request: IncomingMessage,
  response: ServerResponse,
  context: ProxyContext,
  reached: Reached | undefined,
  upgrade: Upgrade | undefined,
): Promise<Exchange | undefined> {
  const fault = requestFault(request);
  if (fault !== undefined) {
    // The connection is not safe to go on with: where the next request starts is in doubt.
    response.shouldKeepAlive = false;
    refuse(response, 'generic', 'bad-request', `The request has ${fault}.`);
    return undefined;
  }
  const destination = reached?.destination ?? destinationOf(request);
  if (destination === undefined) {
    refuse(response, 'generic', 'not-found', 'Raypher does not know a provider for this path.');
    return undefined;
  }
  // With an absolute URL the proxy is one that somebody configured, and Host and Origin are the site's.
  if (reached === undefined && request.url?.startsWith('/') === true && isFromForeignPage(request)) {
    refuse(response, 'generic', 'bad-request', 'Web pages of other sites may not use this address.');
    return undefined;
  }
  const { host, port } = destination;
  const client = reached?.client ?? request.socket;
  if (leadsBack(context, host, port) || context.upstreams.isOther(client)) {
    refuse(response, destination.dialect, 'bad-request', 'This address leads back into the proxy.');
    return undefined;
  }
  const caller = reached?.caller ?? (await context.identify(request.socket));
  const gone = clientGone(client, response);
  const looksThrough = context.policy.inspects('out') || (context.keys?.namesOfUses().length ?? 0) > 0;
  const read = await readRequestBody(request, destination, context.bodyLimitBytes, looksThrough, (plain) =>
    context.transcripts.excerpt(client, plain, scannerVersion(context)),
  );
  // Where its target does not say what a WebSocket is for, some message will, later.
  if (upgrade !== undefined && destination.provider !== undefined && read.models.length === 0) {
    read.models = [null];
  }
  return new Exchange({ request, response, destination, caller, client, gone, read, upgrade });
}

/** Everything about a request that was not refused at once. */
async function carry(
  context: ProxyContext,
  exchange: Exchange,
  early: CallDecision,
  route: Route,
  connection: OpenConnection,
): Promise<void> {
  const guarded = await guardOutgoing(context, exchange, connection);
  if ('stop' in guarded) {
    stop(context, exchange, { ...early, verdict: guarded.verdict }, guarded.stop);
    return;
  }
  const held = await holdMoney(context, exchange, connection);
  if ('stop' in held) {
    stop(context, exchange, held.decision, held.stop);
    return;
  }
  const { decision, money, answer } = held;
  const { request, destination, caller } = exchange;
  const { host, path, provider, dialect } = destination;
  let charge: CallCost | undefined;
  /** It was sent, and what became of it is not known. */
  let isUnclear = false;
  try {
    const { scope, redacted } = guarded;
    const rerouted = decision.route;
    const changes =
      rerouted?.enforced === true ? routed(exchange, guarded.changes, rerouted) : guarded.changes;
    if (changes === undefined) {
      stop(context, exchange, decision, { kind: 'bad-request', message: NOT_ROUTED });
      return;
    }
    const credential =
      (await boundCredential(context, exchange, changes, route.origin)) ??
      (await credentialFor(request, destination, route.origin, caller, context));
    const prepared = await outgoingRequest(exchange, credential, context.keys, changes);
    if ('refusal' in prepared) {
      const { refusal } = prepared;
      const status = refuse(
        exchange.response,
        dialect,
        refusal.kind,
        `Blocked by Raypher: ${refusal.message}`,
      );
      const { revision } = decision.verdict;
      context.record(
        credentialRefused({
          host,
          path: context.data.recordedPath(path),
          provider: provider?.id,
          caller,
          status,
          refusal,
          revision,
        }),
      );
      return;
    }
    if (caller.process !== undefined && typeof decision.model === 'string') {
      context.modelSeen(caller.process, context.data.recordedModel(decision.model));
    }
    const inspector = new AnswerInspector(context, exchange, scope);
    const { outgoing, mask, uses } = prepared;
    const counted = countBytes(outgoing.body ?? changes.body ?? exchange.read.body);
    const { upgrade } = exchange;
    // Messages of a WebSocket are counted where they are relayed.
    if (upgrade === undefined) connection.measure(() => ({ bytesSent: counted.bytes() }));
    const relayed: Relayed = { exchange, route, outgoing, mask, body: counted.body, inspector, connection };
    isUnclear = true;
    const outcome =
      upgrade === undefined ? await relay(context, relayed) : await relayWebSocket(context, relayed, upgrade);
    charge = chargeOf(context, exchange, decision, outcome);
    isUnclear = false;
    recordAnswer(context, exchange, inspector, connection);
    record(context, exchange, decision, {
      ...outcome,
      charge,
      redacted,
      credential: credentialLabel(credential),
      credentialUses: uses,
      approval: answer?.approval,
      asked: context.data.recordedModel(exchange.models[0]) ?? undefined,
      route: rerouted,
      bytesSent: outcome.bytesSent ?? counted.bytes(),
    });
    rememberTranscript(context, exchange, guarded.isClean);
  } finally {
    if (charge?.cost.known === true) money?.settle(charge.cost.micros);
    // A fault of our own makes nothing free: what stays held is charged in full as abandoned.
    else if (!isUnclear) money?.release();
  }
}

/** Answers in the provider's words, and records it. */
function stop(context: ProxyContext, exchange: Exchange, decision: CallDecision, why: Stop): void {
  const { kind, message, retryAt } = why;
  const { response, destination } = exchange;
  const status = refuse(response, destination.dialect, kind, message, retryAt);
  if (destination.path === context.canaryPath) return;
  record(context, exchange, decision, {
    status,
    stopped: kind,
    bytesReceived: 0,
    bytesSent: 0,
    streamed: false,
  });
}

function record(
  context: ProxyContext,
  exchange: Exchange,
  { verdict, model, address }: Pick<CallDecision, 'verdict' | 'model' | 'address'>,
  facts: CallFacts,
): void {
  const { destination, caller, method, startedAt } = exchange;
  context.record(
    networkEvent({
      type: 'network.request',
      host: destination.host,
      port: destination.port,
      address,
      method,
      path: context.data.recordedPath(destination.path),
      provider: destination.provider?.id,
      model: context.data.recordedModel(model),
      caller,
      verdict,
      denied: facts.stopped !== undefined,
      durationMs: performance.now() - startedAt,
      inspected: !exchange.isOpaque,
      ...facts,
    }),
  );
}
