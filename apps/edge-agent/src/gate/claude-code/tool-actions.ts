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

/** Where Claude Code has web searches done. */
const SEARCH_HOST = 'api.anthropic.com:443';

/** Everything that a use of a tool does, each to be decided for itself; the strictest answer counts. */
export function toolActions(use: Use): ActionRequest[] {
  const { tool_name: name, tool_input: input, cwd } = use;
  if (name === 'Bash') return bashActions(textAt(input, 'command'), cwd);
  const file = Object.hasOwn(FILE_TOOLS, name) ? FILE_TOOLS[name] : undefined;
  if (file !== undefined) return fileActions(file.action, textAt(input, file.key), cwd);
  if (SEARCH_TOOLS.has(name)) return fileActions('file.read', textAt(input, 'path') ?? cwd, cwd);
  if (name === 'WebFetch') {
    const url = textAt(input, 'url');
    return [url === undefined ? unreadable(name) : { v: 1, action: 'network.connect', target: url }];
  }
  if (name === 'WebSearch') return [toolCall(use), { v: 1, action: 'network.connect', target: SEARCH_HOST }];
  return [toolCall(use)];
}

function bashActions(line: string | undefined, cwd: string): ActionRequest[] {
  if (line === undefined) return [unreadable('Bash')];
  const { commands, files, isReadable } = shellActions(line);
  const actions = commands.flatMap((command) => [execution(command), ...installations(command)]);
  for (const { path, access } of files) {
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

/** `mcp__SERVER__TOOL`, or one of Claude Code's own. */
function toolCall({ tool_name: name, tool_input: input }: Use): ActionRequest {
  const parts = /^mcp__(.+?)__(.+)$/s.exec(name);
  return {
    v: 1,
    action: 'tool.call',
    target: parts?.[2] ?? name,
    arguments: input,
    ...(parts?.[1] === undefined ? {} : { context: { server: parts[1] } }),
  };
}

function unreadable(what: string): ActionRequest {
  return { v: 1, action: UNREADABLE, target: what.slice(0, 4096) || 'nothing' };
}

function textAt(input: ToolUse['tool_input'], key: string): string | undefined {
  const value = Object.hasOwn(input, key) ? input[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
