import { randomUUID } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { RaypherError } from '@raypher/shared';
import { ExecutableHasher } from '../discovery/exe-hash.ts';
import type { EventDraft } from '../ledger/event-draft.ts';
import type { AllowedProgram, AllowList } from '../store/allow-list.ts';
import { describeEntry } from './authorise.ts';
import { type Interpreter, interpreterOf, neverAllowed } from './interpreters.ts';
import { whyNoProgram } from './program-file.ts';
import { hashOf } from './running-program.ts';

export interface AllowRequest {
  /** Absolute; symbolic links are resolved. */
  path: string;
  script: string | undefined;
  /** Undefined: whoever runs it. */
  uid: number | undefined;
  /** Who says so, for the record. */
  by: string;
}

/** Every entry is compared at every request. */
const MAX_PROGRAMS = 1000;

/** Changes of the allow list, each checked and recorded. */
export class Allowance {
  readonly #list: AllowList;
  readonly #record: (event: EventDraft) => void;
  readonly #hasher = new ExecutableHasher();

  constructor(list: AllowList, record: (event: EventDraft) => void) {
    this.#list = list;
    this.#record = record;
  }

  /**
   * Allows what these files contain now. Allowing the same again changes nothing.
   *
   * @throws RaypherError `request/invalid` for what cannot be allowed, with the reason
   */
  async allow({ path, script, uid, by }: AllowRequest): Promise<AllowedProgram> {
    const real = realFile(path);
    const never = neverAllowed(real) ?? neverAllowed(path);
    if (never !== undefined) throw refused(`${path} cannot be allowed: ${never}.`);
    const interpreter = interpreterOf(basename(real)) ?? interpreterOf(basename(path));
    requireFittingScript(path, interpreter, script);
    const none = whyNoProgram(real);
    if (none !== undefined) throw refused(`${none.why}.`, none.hint);
    const found = {
      path: real,
      launchPath: path,
      sha256: await this.#hash(real),
      interpreter: interpreter?.name,
      script: script === undefined ? undefined : await this.#script(script),
      uid,
    };
    const same = this.#list.list().find((program) => isSame(program, found));
    if (same !== undefined) return same;
    if (this.#list.list().length >= MAX_PROGRAMS) {
      throw refused(`The allow list has ${MAX_PROGRAMS} entries already.`);
    }
    const program = { id: randomUUID(), ...found, allowedAt: Date.now(), allowedBy: by };
    this.#list.add(program);
    this.#record(change('caller.allowed', program, by));
    return program;
  }

  /**
   * @param target id of an entry, or a path: every entry with this executable or script
   * @throws RaypherError `request/invalid` when nothing matches
   */
  disallow(target: string, by: string): AllowedProgram[] {
    const matching = this.#list
      .list()
      .filter(({ id, path, launchPath, script }) => [id, path, launchPath, script?.path].includes(target));
    if (matching.length === 0) {
      throw refused(`Nothing on the allow list is ${target}.`, '`raypher allow --list` shows the entries.');
    }
    for (const program of matching) {
      this.#list.remove(program.id);
      this.#record(change('caller.disallowed', program, by));
    }
    return matching;
  }

  list(): readonly AllowedProgram[] {
    return this.#list.list();
  }

  async #script(script: string): Promise<{ path: string; sha256: string }> {
    const path = realFile(script);
    return { path, sha256: await this.#hash(path) };
  }

  async #hash(path: string): Promise<string> {
    const sha256 = await hashOf(path, this.#hasher);
    if (sha256 !== undefined) return sha256;
    throw refused(`${path} cannot be read to the end.`, 'It may be too large, or change at this moment.');
  }
}

function requireFittingScript(
  path: string,
  interpreter: Interpreter | undefined,
  script: string | undefined,
): void {
  if (interpreter !== undefined && script === undefined) {
    throw refused(
      `${path} runs any ${interpreter.name} program, so allowing it would allow all of them.`,
      `Say which one: raypher allow ${path} --script FILE`,
    );
  }
  if (interpreter === undefined && script !== undefined) {
    throw refused(
      `${path} is not an interpreter that Raypher knows, so which script it runs cannot be told.`,
      'Leave --script out for a program of its own.',
    );
  }
}

function isSame(a: Omit<AllowedProgram, 'id' | 'allowedAt' | 'allowedBy'>, b: typeof a): boolean {
  return (
    a.path === b.path &&
    a.launchPath === b.launchPath &&
    a.sha256 === b.sha256 &&
    a.uid === b.uid &&
    a.script?.path === b.script?.path &&
    a.script?.sha256 === b.script?.sha256
  );
}

function realFile(path: string): string {
  try {
    const real = realpathSync(path);
    if (statSync(real).isFile()) return real;
  } catch (cause) {
    throw new RaypherError('request/invalid', `There is no file ${path}.`, { cause });
  }
  throw refused(`${path} is not a regular file.`);
}

function refused(message: string, hint?: string): RaypherError {
  return new RaypherError('request/invalid', message, hint === undefined ? {} : { hint });
}

function change(
  type: 'caller.allowed' | 'caller.disallowed',
  program: AllowedProgram,
  by: string,
): EventDraft {
  return {
    type,
    severity: 'warning',
    actor: { kind: 'user', id: by, name: by },
    action: type === 'caller.allowed' ? 'allow program' : 'disallow program',
    target: describeEntry(program),
    data: {
      id: program.id,
      path: program.path,
      sha256: program.sha256,
      ...(program.script === undefined
        ? {}
        : { script: program.script.path, scriptSha256: program.script.sha256 }),
      ...(program.uid === undefined ? {} : { uid: program.uid }),
    },
  };
}
