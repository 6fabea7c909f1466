import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { interpreterOf } from './interpreters.ts';

/** As much of a file as the kernel looks at to find out how to run it (BINPRM_BUF_SIZE, execve(2)). */
const HEAD_BYTES = 256;
const ELF = '\u007fELF';
const MAY_EXECUTE = 0o111;

/** Why a file cannot be the executable of a process, and what to do. */
export interface NoProgram {
  why: string;
  hint: string;
}

/**
 * The executable of a process is what the kernel loaded: of a script it is the interpreter. What is none would stay on
 * the allow list without ever being met.
 *
 * @returns undefined for a program, and for what cannot be read: whoever hashes it says so
 */
export function whyNoProgram(path: string): NoProgram | undefined {
  // Other systems have other formats.
  const file = process.platform === 'linux' ? openedFile(path) : undefined;
  if (file === undefined) return undefined;
  try {
    if (!fstatSync(file).isFile()) return undefined;
    const head = Buffer.alloc(HEAD_BYTES);
    const text = head.toString('latin1', 0, readSync(file, head, 0, HEAD_BYTES, 0));
    if (text.startsWith('#!')) return script(path, text);
    if (!text.startsWith(ELF)) {
      return {
        why: `${path} is no program`,
        hint: 'Expected is an executable file, or an interpreter such as python3 or node with --script FILE.',
      };
    }
    if ((fstatSync(file).mode & MAY_EXECUTE) !== 0) return undefined;
    return { why: `${path} is not executable`, hint: `Run \`chmod +x ${path}\` first, if it is a program.` };
  } finally {
    closeSync(file);
  }
}

function script(path: string, text: string): NoProgram {
  const named = /^#![ \t]*([^\s]+)/.exec(text)?.[1] ?? '';
  const interpreter = interpreterOf(basename(named)) === undefined ? 'INTERPRETER' : named;
  return {
    why: `${path} is a script: what runs is its interpreter`,
    hint: `Allow both: raypher allow ${interpreter} --script ${path}`,
  };
}

function openedFile(path: string): number | undefined {
  try {
    // Of a pipe it would wait for somebody to write.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
