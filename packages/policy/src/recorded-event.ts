import type { RecordedRequest } from './replay.ts';
import type { Action, ActionRequest, NetworkConnectRequest, RequestingAgent } from './request.ts';

/** What is read of an entry of a device's ledger. */
export interface RecordedEvent {
  readonly type: string;
  /** ISO 8601. */
  readonly at: string;
  readonly actor: {
    readonly kind: string;
    readonly id: string;
    readonly name: string;
    readonly user?: string | undefined;
  };
  readonly action: string;
  readonly target: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * The request that an entry of the ledger is the record of, as far as it was recorded. What was not is `null`, so
 * that rules that restrict match it and rules that permit do not: trust, teams, labels and libraries of the AI
 * agent, costs, balances and arguments, and addresses where none was looked up.
 *
 * @returns `undefined` for entries that are no decision about a request
 */
export function requestOfEvent(event: RecordedEvent): ActionRequest | undefined {
  const { type, data } = event;
  const at = Date.parse(event.at);
  const context = { agent: agentOf(event), ...(Number.isNaN(at) ? {} : { at }) };
  switch (type) {
    case 'network.request':
    case 'network.tunnel':
    case 'network.uninspected':
      return connectionOf(event, context);
    case 'dlp.found': {
      const findings = findingsOf(data);
      const host = textAt(data, 'host');
      const provider = textAt(data, 'provider');
      return {
        action: data.direction === 'in' ? 'data.in' : 'data.out',
        ...context,
        ...(host !== undefined && { host }),
        ...(provider !== undefined && { provider }),
        model: modelOf(data),
        findings,
      };
    }
    case 'gate.decided':
      return gateRequest(event, context);
    default:
      return undefined;
  }
}

/** Requests of all entries that are the record of one. */
export function recordedRequests(events: Iterable<RecordedEvent>): RecordedRequest[] {
  return [...events]
    .map(requestOfEvent)
    .filter((request) => request !== undefined)
    .map((request) => ({ request }));
}

interface Context {
  readonly agent: RequestingAgent | null | undefined;
  readonly at?: number;
}

function connectionOf({ type, target, data }: RecordedEvent, context: Context): ActionRequest | undefined {
  const host = textAt(data, 'host');
  if (host === undefined) return undefined;
  const port = typeof data.port === 'number' ? data.port : 443;
  const provider = textAt(data, 'provider');
  const method = textAt(data, 'method');
  const path =
    type === 'network.request' && target.startsWith(`${host}/`) ? target.slice(host.length) : undefined;
  const model = modelOf(data);
  const address = textAt(data, 'address');
  const localChoice = localChoiceOf(data);
  const connection = {
    ...context,
    host,
    port,
    ...(address !== undefined && { address }),
    ...(localChoice !== undefined && { localChoice }),
    ...(method !== undefined && { method }),
    ...(path !== undefined && { path }),
  };
  return provider === undefined || model === undefined
    ? { action: 'network.connect', ...connection, ...(provider !== undefined && { provider }), model }
    : { action: 'model.call', ...connection, provider, model };
}

/** The gate records what was done and to what; arguments and most of the context are not kept. */
function gateRequest({ action, target, data }: RecordedEvent, context: Context): ActionRequest | undefined {
  // Names that are no action fall through to undefined.
  switch (action as Action) {
    case 'file.read':
    case 'file.write':
    case 'file.delete':
      // One of the three: the cases above.
      return { action: action as 'file.read' | 'file.write' | 'file.delete', ...context, path: target };
    case 'tool.call': {
      const server = textAt(data, 'server');
      return {
        action: 'tool.call',
        ...context,
        tool: target,
        arguments: null,
        ...(server !== undefined && { server }),
      };
    }
    case 'process.exec':
      return {
        action: 'process.exec',
        ...context,
        command: target.split(' ', 1)[0] ?? target,
        arguments: null,
      };
    case 'device.open':
      return { action: 'device.open', ...context, path: target, deviceClass: null };
    default:
      return undefined;
  }
}

function agentOf({ actor }: RecordedEvent): RequestingAgent | null | undefined {
  if (actor.kind === 'ai-agent') {
    const { id, name, user = '' } = actor;
    return { id, name, user, libraries: null, team: null, labels: null, trust: null };
  }
  return actor.kind === 'process' && actor.name === 'unknown process' ? null : undefined;
}

/** Recorded as "unknown" where it could not be read, and not at all where there is none. */
function modelOf(data: RecordedEvent['data']): string | null | undefined {
  const model = textAt(data, 'model');
  return model === 'unknown' ? null : model;
}

function localChoiceOf({ localChoice }: RecordedEvent['data']): NetworkConnectRequest['localChoice'] {
  return localChoice === 'mapped' || localChoice === 'provider' ? localChoice : undefined;
}

/** Every detector with every class: which belong together is not recorded. */
function findingsOf({ detectors, classes }: RecordedEvent['data']) {
  const [found, kinds] = [textsOf(detectors), textsOf(classes)];
  if (found.length === 0 || kinds.length === 0) return null;
  return found.flatMap((detector) => kinds.map((kind) => ({ class: kind, detector })));
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function textAt(data: RecordedEvent['data'], key: string): string | undefined {
  const value = data[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
