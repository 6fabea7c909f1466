import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { GuardPolicy } from './guard-policy.ts';

/** What a test process was refused. */
export interface CanaryResult {
  readonly fileRefused: boolean;
  readonly programRefused: boolean;
  /** What is not forbidden still works: a process that can do nothing proves nothing. */
  readonly restAllowed: boolean;
}

const SECRET = 'forbidden';
const SCRIPT = `cat "$1/forbidden" && echo
"$1/program" && echo executed
cat "$1/allowed" && "$1/other" && echo works`;

/** A file and a program that are forbidden, beside ones that are not, for a test process to try. */
export class CanaryFiles implements Disposable {
  readonly policy: GuardPolicy;
  readonly #folder = realpathSync(mkdtempSync(join(tmpdir(), 'raypher-canary-')));

  constructor() {
    const at = (name: string): string => join(this.#folder, name);
    writeFileSync(at('forbidden'), SECRET);
    writeFileSync(at('allowed'), 'allowed\n');
    for (const program of ['program', 'other']) copyFileSync('/bin/true', at(program));
    const rule = { verdict: 'deny', programs: undefined, reason: 'This is a self-test.' } as const;
    this.policy = {
      digest: 'canary',
      revision: 0,
      network: 'enforce',
      lists: [
        {
          layer: 'global',
          section: 'operational',
          mode: 'enforce',
          defaults: {},
          rules: [
            { ...rule, id: 'canary-file', operations: ['read'], paths: [at('forbidden')] },
            { ...rule, id: 'canary-program', operations: ['execute'], paths: [at('program')] },
          ],
        },
      ],
    };
  }

  /** @param start starts a command that the policy holds for, its standard output a pipe */
  async attempt(start: (command: string, args: readonly string[]) => ChildProcess): Promise<CanaryResult> {
    const child = start('/bin/sh', ['-c', SCRIPT, 'sh', this.#folder]);
    child.stdin?.end();
    child.stderr?.resume();
    if (child.stdout === null) throw new TypeError('its output must be a pipe');
    const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    return {
      fileRefused: !output.includes(SECRET),
      programRefused: !output.includes('executed'),
      restAllowed: output.endsWith('allowed\nworks\n'),
    };
  }

  describe({ fileRefused, programRefused, restAllowed }: CanaryResult): string {
    if (!restAllowed) return 'a test process could not do what is allowed';
    return [
      ...(fileRefused ? [] : ['a forbidden file was read']),
      ...(programRefused ? [] : ['a forbidden program was executed']),
    ].join(', ');
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
