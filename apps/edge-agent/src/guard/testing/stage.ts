import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuardPolicy } from '../guard-policy.ts';
import { takesCompatCalls } from './compat-calls.ts';

/** The places and processes that attempts are made on. Plain data: it goes to the process inside the tree as JSON. */
export interface Stage {
  /** Everything below is in it. On a file system that keeps inodes and hard links. */
  readonly folder: string;
  /** What nobody in the tree may come to know. */
  readonly marker: string;
  /** A folder that may be neither read, changed, removed nor executed from. */
  readonly vault: string;
  /** A file with the marker in it. */
  readonly secret: string;
  /** A file that may be read, but neither changed nor removed. */
  readonly database: string;
  /** A file that a pattern for names (`**`/.env) forbids to read. */
  readonly dotEnv: string;
  /** A program that may not be executed: a real shell. Its name is forbidden, wherever it lies. */
  readonly shell: string;
  /** A folder where the tree may do what it likes; emptied before each attempt. */
  readonly scratch: string;
  /** The socket of something that would start programs for the tree; may not be written to. */
  readonly manager: string;
  /** Whether the machine takes system calls of 32-bit programs. */
  readonly takesCompatCalls: boolean;
  /** Stands for the product's own process. */
  readonly agentPid: number;
  /** A process of the same user outside the tree. */
  readonly siblingPid: number;
  /** Receivers that are not permitted destinations: they keep what they get. Undefined: there are none. */
  readonly sinks?: Sinks;
  /** The root of the unified control-group hierarchy, and the tree's own group below it. */
  readonly cgroupRoot: string;
  readonly cgroup: string;
  /** The folder with the pins of the guard's kernel programs, and its mount; undefined: the tier pins nothing. */
  readonly pins?: { readonly folder: string; readonly mount: string };
}

/** On loopback addresses of this machine or of a network namespace of the test. */
export interface Sinks {
  readonly address: string;
  readonly tcpPort: number;
  readonly udpPort: number;
  /** UDP ports 53 and 443 at `address`; undefined where they are taken. */
  readonly dns?: boolean;
  readonly quic?: boolean;
}

/** The files of a stage; what runs is the caller's. */
export type StageFiles = Pick<
  Stage,
  | 'folder'
  | 'marker'
  | 'vault'
  | 'secret'
  | 'database'
  | 'dotEnv'
  | 'shell'
  | 'scratch'
  | 'manager'
  | 'takesCompatCalls'
>;

/** A statically or dynamically linked shell that every Debian has. */
const A_SHELL = '/bin/dash';

export function makeStageFiles(folder: string, shell = A_SHELL): StageFiles {
  const vault = join(folder, 'vault');
  mkdirSync(folder, { recursive: true });
  const files: StageFiles = {
    folder,
    marker: randomBytes(12).toString('hex'),
    vault,
    secret: join(vault, 'secret.txt'),
    database: join(folder, 'production.db'),
    dotEnv: join(folder, 'project', '.env'),
    shell: join(folder, 'bin', 'forbidden-shell'),
    scratch: join(folder, 'scratch'),
    manager: join(folder, 'manager.sock'),
    takesCompatCalls: takesCompatCalls(folder),
  };
  for (const each of [vault, join(vault, 'sub'), join(folder, 'project'), join(folder, 'bin')]) {
    mkdirSync(each, { recursive: true });
  }
  copyFileSync(shell, files.shell);
  chmodSync(files.shell, 0o755);
  copyFileSync(shell, join(vault, 'tool'));
  chmodSync(join(vault, 'tool'), 0o755);
  restoreStage(files);
  return files;
}

/** Puts back what an attempt that succeeded changed. What is in order keeps its inodes. */
export function restoreStage(files: StageFiles): void {
  mkdirSync(files.scratch, { recursive: true });
  for (const name of readdirSync(files.scratch)) {
    rmSync(join(files.scratch, name), { recursive: true, force: true });
  }
  mkdirSync(join(files.vault, 'sub'), { recursive: true });
  writeFileSync(files.secret, files.marker);
  writeFileSync(files.database, contentOfDatabase(files));
  writeFileSync(files.dotEnv, `KEY=${files.marker}`);
}

/** What the database holds as long as nobody changed it. */
export function contentOfDatabase(files: Pick<Stage, 'marker'>): string {
  return `rows ${files.marker}`;
}

/** The policy that the attempts are against. */
export function stagePolicy(files: StageFiles, network: GuardPolicy['network'] = 'enforce'): GuardPolicy {
  const deny = { verdict: 'deny', programs: undefined, reason: 'the test says so' } as const;
  return {
    digest: files.marker.padEnd(64, '0'),
    revision: 1,
    network,
    lists: [
      {
        layer: 'global',
        section: 'operational',
        mode: 'enforce',
        defaults: { read: 'allow', write: 'allow', delete: 'allow', execute: 'allow' },
        rules: [
          {
            ...deny,
            id: 'no-vault',
            operations: ['read', 'write', 'delete', 'execute'],
            paths: [`${files.vault}/**`],
          },
          { ...deny, id: 'keep-database', operations: ['write', 'delete'], paths: [files.database] },
          { ...deny, id: 'no-dot-env', operations: ['read'], paths: ['**/.env'] },
          { ...deny, id: 'no-manager', operations: ['write'], paths: [files.manager] },
          {
            ...deny,
            id: 'no-shell',
            operations: ['execute'],
            paths: undefined,
            programs: ['forbidden-shell'],
          },
        ],
      },
    ],
  };
}
