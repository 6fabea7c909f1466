import type { ActionRequest as GateRequest } from '@raypher/gate';
import type { Action, ActionRequest, DataFinding, RequestingAgent } from '@raypher/policy';

type Agent = RequestingAgent | null | undefined;
type Translate = (request: GateRequest, agent: Agent) => ActionRequest;

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'https:': 443,
  'wss:': 443,
  'http:': 80,
  'ws:': 80,
};
const WITH_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

const file: Translate = ({ action, target }, agent) => ({
  // The table below has this function under these three names alone.
  action: action as 'file.read' | 'file.write' | 'file.delete',
  path: target,
  agent,
});

const data: Translate = (request, agent) => ({
  action: request.action === 'data.in' ? 'data.in' : 'data.out',
  ...(hostOf(request.target) === undefined ? {} : { host: hostOf(request.target) }),
  findings: findingsOf(request.arguments),
  agent,
});

/** How each action of a request becomes a question to the policy; docs/gate.md has the same as a table. */
const TRANSLATIONS: Readonly<Record<Action, Translate>> = {
  'file.read': file,
  'file.write': file,
  'file.delete': file,
  'process.exec': ({ target, arguments: given }, agent) => ({
    action: 'process.exec',
    command: target,
    arguments: listOfTexts(given),
    agent,
  }),
  'network.connect': ({ target, context }, agent) => {
    const method = textAt(context, 'method');
    return {
      action: 'network.connect',
      ...reached(target),
      ...(method === undefined ? {} : { method }),
      agent,
    };
  },
  'model.call': ({ target, context }, agent) => ({
    action: 'model.call',
    ...reached(target),
    provider: textAt(context, 'provider') ?? '',
    model: textAt(context, 'model') ?? null,
    agent,
  }),
  'tool.call': ({ target, arguments: given, context }, agent) => ({
    action: 'tool.call',
    tool: target,
    ...(context !== undefined && Object.hasOwn(context, 'server')
      ? { server: textAt(context, 'server') ?? null }
      : {}),
    arguments: textsIn(given),
    agent,
  }),
  'package.install': ({ target, context }, agent) => ({
    action: 'package.install',
    ecosystem: textAt(context, 'ecosystem') ?? '',
    package: target,
    version: textAt(context, 'version') ?? null,
    agent,
  }),
  'device.open': ({ target, context }, agent) => ({
    action: 'device.open',
    path: target,
    deviceClass: textAt(context, 'class') ?? null,
    agent,
  }),
  'data.out': data,
  'data.in': data,
};

/**
 * The question to the policy that an action request is. An action that policies do not know stays one: it is denied
 * as unknown.
 */
export function policyRequest(request: GateRequest, agent: Agent): ActionRequest {
  const translate = Object.hasOwn(TRANSLATIONS, request.action)
    ? TRANSLATIONS[request.action as Action] // Just looked up.
    : undefined;
  // Not one of the union, on purpose: deciding answers it with `builtin/unknown-action`.
  return translate?.(request, agent) ?? ({ action: request.action, agent } as unknown as ActionRequest);
}

/** Where a URL, or a host with or without its port, leads. What is neither stays as it is and is no valid host. */
export function reached(target: string): { host: string; port: number; path?: string } {
  try {
    const hasScheme = WITH_SCHEME.test(target);
    const url = new URL(hasScheme ? target : `https://${target}`);
    const port = url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port);
    return { host: url.hostname, port, ...(hasScheme ? { path: url.pathname } : {}) };
  } catch {
    return { host: target, port: 0 };
  }
}

/** Data may go to no host at all: to a tool of this machine. */
function hostOf(target: string): string | undefined {
  return WITH_SCHEME.test(target) || target.includes('.') ? reached(target).host : undefined;
}

function textAt(context: GateRequest['context'], name: string): string | undefined {
  const value = context !== undefined && Object.hasOwn(context, name) ? context[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** `null`: not known, so that rules that restrict match. */
function listOfTexts(value: unknown): readonly string[] | null {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
}

/** All that is text or a number somewhere in a value. The request was bounded when it was read. */
function textsIn(value: unknown): readonly string[] {
  const texts: string[] = [];
  const waiting: unknown[] = [value];
  for (let item = waiting.pop(); item !== undefined || waiting.length > 0; item = waiting.pop()) {
    if (typeof item === 'string') texts.push(item);
    else if (typeof item === 'number') texts.push(String(item));
    else if (typeof item === 'object' && item !== null) waiting.push(...Object.values(item).toReversed());
  }
  return texts;
}

/** `null`: it was not scanned, or nobody can tell. */
function findingsOf(given: unknown): readonly DataFinding[] | null {
  const findings: unknown =
    typeof given === 'object' && given !== null ? Reflect.get(given, 'findings') : null;
  if (!Array.isArray(findings)) return null;
  const known = findings.filter(isFinding);
  return known.length === findings.length ? known : null;
}

function isFinding(value: unknown): value is DataFinding {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'class') === 'string' &&
    typeof Reflect.get(value, 'detector') === 'string'
  );
}
