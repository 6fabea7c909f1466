import { isIpAddress } from './host.ts';
import type { Action, ActionRequest, RequestingAgent } from './request.ts';

/** `null`: exists and could not be learnt. `undefined`: does not exist for this action. */
export type FieldValue = string | readonly string[] | number | null | undefined;

/** How patterns over a field are written and compared. */
export type FieldKind = 'text' | 'path' | 'host' | 'package' | 'address' | 'number' | 'money';

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  readonly ignoreCase: boolean;
  /** Actions that have it; absent: all. */
  readonly actions?: readonly Action[];
  readonly description: string;
  /** From a request, folded; hosts and paths arrive normalised as `place`, data one finding at a time. */
  read(request: Readable, place: string | undefined, finding: number): FieldValue;
}

/** Every property that any action has: reading a fact needs no knowledge of the action. */
export type Readable = {
  readonly [Key in KeyOfAny<ActionRequest>]?: ValueOfAny<ActionRequest, Key>;
} & { readonly action: Action };

type KeyOfAny<Union> = Union extends unknown ? keyof Union : never;
type ValueOfAny<Union, Key> = Union extends unknown ? (Key extends keyof Union ? Union[Key] : never) : never;

const CALLS: readonly Action[] = ['network.connect', 'model.call'];
const DATA: readonly Action[] = ['data.out', 'data.in'];
const REACHING = [...CALLS, ...DATA];
const FILES: readonly Action[] = ['file.read', 'file.write', 'file.delete'];
const MODEL: readonly Action[] = ['model.call'];
const EXEC: readonly Action[] = ['process.exec'];
const TOOL: readonly Action[] = ['tool.call'];
const PACKAGE: readonly Action[] = ['package.install'];

/** What conditions can be about. Adding a line here adds it to the language, the schema and the engine. */
export const FIELDS = [
  text('action', 'The action, such as file.write.', undefined, (request) => request.action),
  text(
    'agent.id',
    'Id of the AI agent (64 hex digits).',
    undefined,
    ofAgent((agent) => agent.id),
  ),
  text(
    'agent.name',
    'Name of the AI agent.',
    undefined,
    ofAgent((agent) => agent.name),
  ),
  exact(
    'agent.user',
    'Account that the AI agent runs as; case matters.',
    undefined,
    ofAgent((agent) => agent.user),
  ),
  text(
    'agent.team',
    'Team that the AI agent belongs to.',
    undefined,
    ofAgent((agent) => agent.team),
  ),
  text(
    'agent.library',
    'AI libraries of the AI agent; one must match.',
    undefined,
    ofAgent((agent) => agent.libraries),
  ),
  exact(
    'agent.label',
    'Labels of the AI agent as key=value; one must match.',
    undefined,
    ofAgent(({ labels }) =>
      labels === null ? null : Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`),
    ),
  ),
  number(
    'agent.trust',
    'Trust score of the AI agent, 0 to 1000.',
    undefined,
    ofAgent(({ trust }) => trust ?? null),
  ),
  text('device.identity', 'tpm or software.', undefined, ({ identity }) => identity),
  field(
    'host',
    'host',
    true,
    'Host that is reached, in canonical spelling.',
    REACHING,
    (_request, place) => place,
  ),
  number('port', 'Port that is connected to.', CALLS, ({ port }) => port),
  field(
    'address',
    'address',
    true,
    'IP address that is reached, when it is known.',
    CALLS,
    (request, place) => {
      if (request.address !== undefined) return request.address;
      // A name that nobody resolved has an address, and it is not known.
      return place !== undefined && isIpAddress(place) ? place : null;
    },
  ),
  text('provider', 'Model provider, such as openai.', REACHING, ({ provider }) => provider),
  text('model', 'Model that is called.', REACHING, ({ model }) => model),
  text('http.method', 'HTTP method.', CALLS, ({ method }) => method),
  exact('http.path', 'Path of the URL, without its query.', CALLS, ({ action, path }) =>
    CALLS.includes(action) ? path?.split('?', 1)[0] : undefined,
  ),
  field('cost', 'money', true, 'The most that this call can cost, in dollars.', MODEL, (request) =>
    request.action === 'model.call' ? (request.cost ?? null) : undefined,
  ),
  spent('hour'),
  spent('day'),
  spent('month'),
  field(
    'path',
    'path',
    false,
    'File or device, as an absolute path.',
    [...FILES, 'device.open'],
    (request, place) => (CALLS.includes(request.action) ? undefined : place),
  ),
  text('device.class', 'Such as camera, microphone, usb.', ['device.open'], ({ deviceClass }) => deviceClass),
  exact('command', 'Executable, by its name or its whole path.', EXEC, ({ command }) =>
    command === undefined ? undefined : [command, command.slice(command.lastIndexOf('/') + 1)],
  ),
  exact('command.line', 'Name of the executable and its arguments, joined by spaces.', EXEC, (request) => {
    if (request.command === undefined || !request.arguments) return request.command && null;
    return [request.command.slice(request.command.lastIndexOf('/') + 1), ...request.arguments].join(' ');
  }),
  exact(
    'argument',
    'Arguments of the command or tool; one must match.',
    [...EXEC, ...TOOL],
    (r) => r.arguments,
  ),
  exact('tool', 'Name of the tool.', TOOL, ({ tool }) => tool),
  text('tool.server', 'MCP server that offers the tool.', TOOL, ({ server }) => server),
  field('package', 'package', true, 'Name of the package.', PACKAGE, (request) => {
    if (request.package === undefined) return undefined;
    const name = request.package.toLowerCase();
    return request.ecosystem?.toLowerCase() === 'pypi' ? [name, pypiName(name)] : name;
  }),
  text('package.ecosystem', 'npm, pypi, cargo, …', PACKAGE, ({ ecosystem }) => ecosystem),
  text('package.version', 'Version that is installed.', PACKAGE, ({ action, version }) =>
    action === 'package.install' ? (version ?? null) : undefined,
  ),
  number('package.age_days', 'Days since the version was published.', PACKAGE, ({ action, ageDays }) =>
    action === 'package.install' ? (ageDays ?? null) : undefined,
  ),
  text('data.class', 'Category of the data that was found.', DATA, ({ findings }, _place, at) =>
    findings === null ? null : findings?.[at]?.class,
  ),
  text('data.detector', 'Detector that found the data.', DATA, ({ findings }, _place, at) =>
    findings === null ? null : findings?.[at]?.detector,
  ),
] as const satisfies readonly Field[];

export type FieldName = (typeof FIELDS)[number]['name'];

const NUMBERS = new Map<string, number>(FIELDS.map(({ name }, number) => [name, number]));

/** @throws TypeError for a name that is no field. */
export function fieldNumber(name: string): number {
  const number = NUMBERS.get(name);
  if (number === undefined) throw new TypeError(`"${name}" is not something that conditions can be about`);
  return number;
}

const PYPI = 'pypi\0';

/** PEP 503: case and runs of `-`, `_` and `.` make no difference there, and only there. */
export function pypiName(name: string): string {
  return `${PYPI}${name.toLowerCase().replace(/[-_.]+/g, '-')}`;
}

/** What people are shown: without the spellings that are only for comparing. */
export function shownValue(value: FieldValue): string | readonly string[] | null | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'object' && value !== null ? value.filter((one) => !one.startsWith(PYPI)) : value;
}

/** Keeps the difference between no agent (`undefined`) and one that could not be identified (`null`). */
function ofAgent(read: (agent: RequestingAgent) => FieldValue): Field['read'] {
  return ({ agent }) => (agent ? read(agent) : agent);
}

function field<Name extends string>(
  name: Name,
  kind: FieldKind,
  ignoreCase: boolean,
  description: string,
  actions: readonly Action[] | undefined,
  read: Field['read'],
) {
  return Object.freeze({ name, kind, ignoreCase, description, read, ...(actions && { actions }) });
}

function exact<Name extends string>(
  name: Name,
  about: string,
  actions: readonly Action[] | undefined,
  read: Field['read'],
) {
  return field(name, 'text', false, about, actions, read);
}

function text<Name extends string>(
  name: Name,
  about: string,
  actions: readonly Action[] | undefined,
  read: Field['read'],
) {
  return field(name, 'text', true, `${about} Case is ignored.`, actions, (request, place, finding) => {
    const value = read(request, place, finding);
    if (typeof value === 'string') return value.toLowerCase();
    return typeof value === 'object' && value !== null ? value.map((one) => one.toLowerCase()) : value;
  });
}

function number<Name extends string>(
  name: Name,
  about: string,
  actions: readonly Action[] | undefined,
  read: Field['read'],
) {
  return field(name, 'number', true, about, actions, read);
}

function spent<Period extends 'hour' | 'day' | 'month'>(period: Period) {
  const about = `What the AI agent has spent this ${period}, in dollars.`;
  return field(`spent.${period}`, 'money', true, about, MODEL, (request) =>
    request.action === 'model.call' ? (request.spent?.[period] ?? null) : undefined,
  );
}
