import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { RaypherError } from '@raypher/shared/errors';
import { z } from 'zod';

/** Every handler that was ever written ends like this; nothing else does. */
const OURS = / hook claude-code(?: --[a-z-]+ (?:'(?:[^']|'\\'')*'|[^\s']+))*$/;

/** Seconds. Claude Code lets a tool run when its hook takes longer, unless `onFailure` says otherwise. */
const LONGEST = 600;

const Group = z.looseObject({
  hooks: z.array(z.looseObject({ command: z.unknown().optional() })).optional(),
});
const Settings = z.looseObject({ hooks: z.record(z.string(), z.array(Group)).optional() });
type Settings = z.infer<typeof Settings>;

const EVENTS: readonly { event: string; matcher?: string }[] = [
  { event: 'PreToolUse', matcher: '*' },
  { event: 'PostToolUse', matcher: '*' },
  { event: 'UserPromptSubmit' },
];

/** The settings with our hooks, once; everything else as it was. */
export function withHooks(settings: Settings, command: string): Settings {
  const { hooks = {}, ...rest } = withoutHooks(settings);
  const added = { ...hooks };
  for (const { event, matcher } of EVENTS) {
    const handler = {
      type: 'command',
      command,
      timeout: LONGEST,
      // Since 2.1.295: a hook that cannot start, or ends in an unexpected way, blocks.
      ...(event === 'PostToolUse' ? {} : { onFailure: 'block' }),
    };
    const group = { ...(matcher === undefined ? {} : { matcher }), hooks: [handler] };
    added[event] = [...(added[event] ?? []), group];
  }
  return { ...rest, hooks: added };
}

/** The settings without our hooks, and without what is empty only because they are gone. */
export function withoutHooks(settings: Settings): Settings {
  const { hooks, ...rest } = settings;
  if (hooks === undefined) return settings;
  const kept = Object.entries(hooks).flatMap(([event, groups]) => {
    const left = groups.flatMap((group) => {
      if (group.hooks === undefined || !group.hooks.some(isOurs)) return [group];
      const others = group.hooks.filter((handler) => !isOurs(handler));
      return others.length === 0 ? [] : [{ ...group, hooks: others }];
    });
    return left.length === 0 && groups.length > 0 ? [] : [[event, left] as const];
  });
  if (kept.length === 0 && Object.keys(hooks).length > 0) return rest;
  return { ...rest, hooks: Object.fromEntries(kept) };
}

function isOurs({ command }: { command?: unknown }): boolean {
  return typeof command === 'string' && OURS.test(command);
}

/**
 * Changes a settings file of Claude Code.
 *
 * @returns whether there was anything to change
 * @throws RaypherError `config/invalid` for a file that is not settings; it is left alone
 */
export function changeSettings(path: string, change: (settings: Settings) => Settings): boolean {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  const before = text === undefined || text.trim() === '' ? {} : parse(path, text);
  const after = change(before);
  if (isDeepStrictEqual(after, before)) return false;
  const indent = /^\{\r?\n([ \t]+)"/.exec(text ?? '')?.[1] ?? '  ';
  // A link, as people have who keep their settings elsewhere, stays one.
  const file = text === undefined ? path : realpathSync(path);
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.raypher`;
  writeFileSync(draft, `${JSON.stringify(after, null, indent)}\n`, {
    mode: text === undefined ? 0o600 : statSync(file).mode & 0o777,
  });
  renameSync(draft, file);
  return true;
}

function parse(path: string, text: string): Settings {
  try {
    return Settings.parse(JSON.parse(text));
  } catch (cause) {
    throw new RaypherError('config/invalid', `${path} does not hold settings of Claude Code.`, {
      hint: 'It was left as it is. Repair it, then run this again.',
      cause,
    });
  }
}
