import { fstatSync, lstatSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { RaypherError } from '@raypher/shared/errors';
import { type PermissionEvent, PermissionQueue } from '../../native/fanotify.ts';
import { setNonBlocking } from '../../native/non-blocking.ts';
import type { GuardDenial } from '../guard-policy.ts';
import { type FileView, localFiles } from '../landlock/file-view.ts';
import { GroupRules, type Opening } from './group-rules.ts';
import type { HelperNews, HelperOrder } from './helper-protocol.ts';
import { openedFor } from './open-flags.ts';
import type { MarkKind } from './places-to-mark.ts';

const STDIN = 0;
const STDOUT = 1;
/** Of a process that others wait for (nice(2)). */
const PRIORITY = -15;
/** Files appear and are replaced: what has to be marked is looked for again after this time, in milliseconds. */
const LOOK_AGAIN_MS = 5000;
/** Looking takes at most this part of the time. */
const LOOKING_SHARE = 50;

/**
 * Answers for the kernel, in a process of its own: whoever starts a program waits until it is executed, and could not
 * answer that it may be. It waits in system calls, opens nothing but files of /proc and folders, and starts nothing.
 * When it or the service ends, the kernel allows everything.
 *
 * @param folder of the product's control groups, such as "raypher"
 */
export function runFanotifyHelper(folder: string): void {
  setNonBlocking(STDOUT);
  // Whoever opens a marked file waits for this process.
  setPriority(PRIORITY);
  try {
    new Helper(folder).serve();
  } catch (error) {
    if (!(error instanceof RaypherError)) throw error;
    writeSync(STDOUT, `${JSON.stringify({ news: 'failed', because: error.message } satisfies HelperNews)}\n`);
  }
}

class Helper {
  readonly #queue = new PermissionQueue();
  readonly #inGroup: RegExp;
  readonly #groups = new Map<string, GroupRules>();
  #marked = new Map<string, MarkKind>();
  /** Paths that a marked file or folder is known by, by device and inode. */
  #names = new Map<string, string[]>();
  #input = '';
  #unsent: Uint8Array = Buffer.alloc(0);
  #lost = 0;
  #lookAt = Number.POSITIVE_INFINITY;

  constructor(folder: string) {
    this.#inGroup = new RegExp(`^0::/(?:.*/)?${folder}/([^/\\n]+)`, 'm');
  }

  serve(): void {
    this.#say({ news: 'ready' });
    for (;;) {
      const left = this.#lookAt - performance.now();
      const { events, other } = this.#queue.wait(STDIN, Number.isFinite(left) ? Math.max(0, left) : -1);
      for (const event of events) this.#answer(event);
      if (other && !this.#readOrders()) return;
      if (performance.now() >= this.#lookAt) this.#lookAgain();
    }
  }

  /** @returns false when the service has ended */
  #readOrders(): boolean {
    const chunk = Buffer.alloc(65_536);
    const length = readSync(STDIN, chunk);
    if (length === 0) return false;
    const lines = (this.#input + chunk.toString('latin1', 0, length)).split('\n');
    this.#input = lines.pop() ?? '';
    // Whole lines are text again. What comes here is what the back end wrote.
    for (const line of lines) this.#obey(JSON.parse(Buffer.from(line, 'latin1').toString()) as HelperOrder);
    return true;
  }

  #obey({ order, group, policy }: HelperOrder): void {
    if (policy === undefined) this.#groups.delete(group);
    else this.#groups.set(group, this.#rulesOf(policy, localFiles()));
    this.#mark(localFiles());
    this.#say({ news: 'done', order, unexpressed: this.#groups.get(group)?.unexpressed ?? [] });
  }

  #rulesOf(policy: GroupRules['policy'], files: FileView): GroupRules {
    return new GroupRules(policy, files, process.env.PATH, () => this.#answerWaiting());
  }

  #lookAgain(): void {
    const files = localFiles();
    for (const [group, { policy }] of this.#groups) this.#groups.set(group, this.#rulesOf(policy, files));
    this.#mark(files);
  }

  /** Marks what any group needs, and nothing else; what was replaced is marked anew. */
  #mark(files: FileView): void {
    const began = performance.now();
    const wanted = new Map<string, MarkKind>();
    for (const { marks } of this.#groups.values()) {
      for (const [path, kind] of marks) if (wanted.get(path) !== 'file') wanted.set(path, kind);
    }
    for (const [path, kind] of this.#marked) if (wanted.get(path) !== kind) this.#queue.unmark(path, kind);
    const names = new Map<string, string[]>();
    for (const [path, kind] of wanted) {
      this.#answerWaiting();
      this.#queue.mark(path, kind);
      const key = files.identity(path)?.key;
      if (key !== undefined) names.set(key, [...(names.get(key) ?? []), path]);
    }
    this.#marked = wanted;
    this.#names = names;
    const took = performance.now() - began;
    this.#lookAt =
      this.#groups.size === 0
        ? Number.POSITIVE_INFINITY
        : performance.now() + Math.max(LOOK_AGAIN_MS, took * LOOKING_SHARE);
  }

  #answerWaiting(): void {
    for (const event of this.#queue.wait(-1, 0).events) this.#answer(event);
  }

  #answer(event: PermissionEvent): void {
    let isAllowed = true;
    try {
      isAllowed = this.#decide(event);
    } finally {
      this.#queue.answer(event, isAllowed);
    }
  }

  #decide({ operation, fd, tid }: PermissionEvent): boolean {
    const group = this.#groupOf(tid);
    const rules = group === undefined ? undefined : this.#groups.get(group);
    if (group === undefined || rules === undefined) return true;
    const paths = this.#pathsOf(fd);
    let opening: Opening = operation;
    if (opening === 'open') {
      if (rules.refusal('open', paths) === undefined) return true;
      opening = openedFor(tid) ?? 'open';
      // Asked about by itself, before this.
      if (opening === 'execute') return true;
    }
    const refusal = rules.refusal(opening, paths);
    if (refusal === undefined) return true;
    const { layer, rule: id, mode } = refusal;
    this.#tell({
      backEnd: 'fanotify',
      blocked: mode === 'enforce',
      operation: refusal.operation,
      target: paths[0] ?? '',
      ...processOf(tid),
      group,
      rule: { layer, id },
    });
    return mode === 'monitor';
  }

  #groupOf(tid: number): string | undefined {
    return this.#inGroup.exec(readText(`/proc/${tid}/cgroup`))?.[1];
  }

  #pathsOf(fd: number): string[] {
    const path = readlinkSync(`/proc/self/fd/${fd}`).replace(/ \(deleted\)$/, '');
    const folders = this.#knownAs(lstatSync(dirname(path), { bigint: true, throwIfNoEntry: false }));
    const inFolders = folders.map((folder) => join(folder, basename(path)));
    return [...new Set([path, ...inFolders, ...this.#knownAs(fstatSync(fd, { bigint: true }))])];
  }

  #knownAs(found: { dev: bigint; ino: bigint } | undefined): readonly string[] {
    return found === undefined ? [] : (this.#names.get(`${found.dev}:${found.ino}`) ?? []);
  }

  #tell(denial: Omit<GuardDenial, 'at'>): void {
    this.#say({ news: 'denied', denial: { ...denial, at: new Date().toISOString() } });
  }

  /** Nobody may be reading: the service may be waiting for a program that waits for an answer from here. */
  #say(news: HelperNews): void {
    const lost: HelperNews[] = this.#lost > 0 ? [{ news: 'lost', count: this.#lost }] : [];
    const lines = Buffer.from([...lost, news].map((each) => `${JSON.stringify(each)}\n`).join(''));
    if (this.#unsent.length > 0 && !this.#send(this.#unsent)) {
      this.#lost += 1;
      return;
    }
    this.#lost = 0;
    this.#send(lines);
  }

  /** @returns whether all of it was taken */
  #send(bytes: Uint8Array): boolean {
    let sent = 0;
    while (sent < bytes.length) {
      try {
        sent += writeSync(STDOUT, bytes, sent);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
        // EAGAIN: later. EPIPE: the service has ended, which its orders will say.
        break;
      }
    }
    this.#unsent = bytes.subarray(sent);
    return this.#unsent.length === 0;
  }
}

function processOf(tid: number): Pick<GuardDenial, 'pid' | 'processName'> {
  const pid = Number(/^Tgid:\s*(\d+)/m.exec(readText(`/proc/${tid}/status`))?.[1] ?? tid);
  return { pid, processName: readText(`/proc/${tid}/comm`).trim() };
}

/** Empty when the process has ended. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
