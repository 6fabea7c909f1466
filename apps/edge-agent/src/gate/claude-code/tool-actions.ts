import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ActionRequest } from '@raypher/gate';
import type { ToolUse } from './hook-input.ts';
import { packageInstalls } from './package-installs.ts';
import { type ShellCommand, shellActions } from './shell-commands.ts';

/** No action that policies know: what cannot be read is denied where they are enforced. */
const UNREADABLE = 'process.unreadable';

type Use = Pick<ToolUse, 'tool_name' | 'tool_input' | 'cwd'>;

const FILE_TOOLS: Readonly<Record<string, { action: ActionRequest['action']; key: string }>> = {
  Read: { action: 'file.read', key: 'file_path' },
  NotebookRead: { action: 'file.read', key: 'notebook_path' },
  Write: { action: 'file.write', key: 'file_path' },
  Edit: { action: 'file.write', key: 'file_path' },
  MultiEdit: { action: 'file.write', key: 'file_path' },
  NotebookEdit: { action: 'file.write', key: 'notebook_path' },
};

/** Where these look when they are not told where. */
const SEARCH_TOOLS = new Set(['Glob', 'Grep', 'LS']);

/** A pattern that leaves its folder behind its first wildcard, where nobody can say what it leads to. */
const LEADS_AWAY = /[*?[{(].*\.\.|[{,(|][/~]/;

const SOCKET = /^\/dev\/(?:tcp|udp)\/(?<host>[^/]+)\/(?<port>[^/]+)$/;

/** Where Claude Code has web searches done. */
const SEARCH_HOST = 'api.anthropic.com:443';

/** Everything that a use of a tool does, each to be decided for itself; the strictest answer counts. */
export function toolActions(use: Use): ActionRequest[] {
  const { tool_name: name, tool_input: input, cwd } = use;
  if (name === 'Bash') {
    const actions = bashActions(textAt(input, 'command'), cwd);
    // A comment, a variable that is set: nothing is started.
    return actions.length > 0 ? actions : [toolCall(use)];
  }
  if (name === 'Monitor' && Object.hasOwn(input, 'command')) {
    return [toolCall(use), ...bashActions(textAt(input, 'command'), cwd)];
  }
  if (name === 'PowerShell') return [toolCall(use), unreadable(textAt(input, 'command') ?? name)];
  const file = Object.hasOwn(FILE_TOOLS, name) ? FILE_TOOLS[name] : undefined;
  if (file !== undefined) return fileActions(file.action, textAt(input, file.key), cwd);
  if (SEARCH_TOOLS.has(name)) {
    const place = resolve(cwd, textAt(input, 'path') ?? '.');
    const pattern = name === 'Glob' ? (textAt(input, 'pattern') ?? '') : '';
    const elsewhere = folderOf(pattern);
    return [
      ...fileActions('file.read', textAt(input, 'path') ?? cwd, cwd),
      ...(elsewhere === undefined ? [] : fileActions('file.read', elsewhere, place)),
      ...(LEADS_AWAY.test(pattern) ? [unreadable(pattern)] : []),
    ];
  }
  if (name === 'WebFetch') {
    const url = textAt(input, 'url');
    return [url === undefined ? unreadable(name) : { v: 1, action: 'network.connect', target: url }];
  }
  if (name === 'WebSearch') return [toolCall(use), { v: 1, action: 'network.connect', target: SEARCH_HOST }];
  return toolCalls(use);
}

function bashActions(line: string | undefined, cwd: string): ActionRequest[] {
  if (line === undefined) return [unreadable('Bash')];
  const { commands, files, isReadable } = shellActions(line);
  const actions = commands.flatMap((command) => [execution(command), ...installations(command)]);
  for (const { path, access } of files) {
    // Bash opens a connection for these itself.
    const place = SOCKET.exec(path)?.groups;
    if (place !== undefined) {
      actions.push({ v: 1, action: 'network.connect', target: `${place.host}:${place.port}` });
    }
    actions.push(...fileActions(access === 'read' ? 'file.read' : 'file.write', path, cwd));
  }
  if (!isReadable) actions.push(unreadable(line));
  return actions;
}

function execution({ command, arguments: given }: ShellCommand): ActionRequest {
  return {
    v: 1,
    action: 'process.exec',
    target: command === '' ? "''" : command,
    ...(given === null ? {} : { arguments: given }),
  };
}

function installations(command: ShellCommand): ActionRequest[] {
  const installs = packageInstalls(command);
  if (installs === null) return [unreadable(command.command)];
  return installs.map(({ ecosystem, package: name, version }) => ({
    v: 1,
    action: 'package.install',
    target: name,
    context: version === undefined ? { ecosystem } : { ecosystem, version },
  }));
}

/** The path as it is written, and the file that it leads to when links make that another one. */
function fileActions(action: string, path: string | undefined, cwd: string): ActionRequest[] {
  if (path === undefined || path === '') return [unreadable(action)];
  const home = process.env.HOME ?? '/';
  const written = resolve(cwd, path.replace(/^~(?=\/|$)/, home));
  return [...new Set([written, real(written)])].map((target) => ({ v: 1, action, target }));
}

/** Links resolved as far as the path exists. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // It does not exist (yet): then its folder counts.
    const folder = dirname(path);
    return folder === path ? path : join(real(folder), basename(path));
  }
}

/** Where a pattern begins to search when that is not below the folder that is searched. */
function folderOf(pattern: string): string | undefined {
  const [plain = ''] = pattern.split(/[*?[{]/, 1);
  if (!/^[/~]|\.\./.test(plain)) return undefined;
  return plain === pattern ? plain : plain.replace(/[^/]*$/, '');
}

function toolCall({ tool_name: name, tool_input: input }: Use): ActionRequest {
  return { v: 1, action: 'tool.call', target: name, arguments: input };
}

/**
 * `mcp__SERVER__TOOL`, or one of Claude Code's own. Servers and tools may have `__` in their names: then each way to
 * read it is decided about.
 */
function toolCalls(use: Use): ActionRequest[] {
  const rest = /^mcp__(.+)$/s.exec(use.tool_name)?.[1] ?? '';
  const calls: ActionRequest[] = [];
  for (let at = rest.indexOf('__', 1); at !== -1; at = rest.indexOf('__', at + 1)) {
    const tool = rest.slice(at + 2);
    if (tool !== '') calls.push({ ...toolCall(use), target: tool, context: { server: rest.slice(0, at) } });
  }
  return calls.length === 0 ? [toolCall(use)] : calls;
}

function unreadable(what: string): ActionRequest {
  return { v: 1, action: UNREADABLE, target: what.slice(0, 4096) || 'nothing' };
}

function textAt(input: ToolUse['tool_input'], key: string): string | undefined {
  const value = Object.hasOwn(input, key) ? input[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
