import type { PolicyLayer } from '@raypher/policy';

/** What a kernel can tell apart on files. `delete` includes renaming away. */
export const FILE_OPERATIONS = ['read', 'write', 'delete', 'execute'] as const;
export type FileOperation = (typeof FILE_OPERATIONS)[number];

export type GuardVerdict = 'allow' | 'deny';

/**
 * What one AI agent may do on this machine, in the terms of a kernel: no conditions are left in it, they were decided
 * when it was made. Whatever enforces it (BPF LSM, Landlock, fanotify) works from this and from nothing else.
 */
export interface GuardPolicy {
  /** SHA-256 hex of the content: AI agents with the same one share it. */
  readonly digest: string;
  /** Revision of the policy that it was made from. */
  readonly revision: number;
  /** Each decides for itself, by its first rule that matches; then the strictest of them holds. */
  readonly lists: readonly GuardList[];
  /** Whether connections are held to the rules (`enforce`), or pass and are recorded. */
  readonly network: 'enforce' | 'monitor';
}

/** The rules of one section of one layer, in order. */
export interface GuardList {
  readonly layer: PolicyLayer;
  readonly section: string;
  /** What `deny` comes to: in monitor mode the action is recorded and goes on. */
  readonly mode: 'enforce' | 'monitor';
  readonly rules: readonly GuardRule[];
  /** Where no rule matches. An operation that is missing is allowed: the section says nothing about it. */
  readonly defaults: Readonly<Partial<Record<FileOperation, GuardVerdict>>>;
}

export interface GuardRule {
  readonly id: string;
  /** `deny` also where the document says prompt: a kernel asks nobody, the denial says so. */
  readonly verdict: GuardVerdict;
  readonly operations: readonly FileOperation[];
  /**
   * Absolute patterns as `compilePathGlob` of the policy reads them (`*` and `?` within a part, `**` for any number
   * of parts); homes are written out. Undefined: any file.
   */
  readonly paths: readonly string[] | undefined;
  /** Programs by base name or, with a slash, by whole path, `*` is a wildcard; for `execute` only. Undefined: any. */
  readonly programs: readonly string[] | undefined;
  readonly reason: string;
}

/** A part of the policy that a kernel cannot hold anybody to, and why. */
export interface Unexpressed {
  readonly layer: PolicyLayer;
  readonly rule: string;
  readonly because: string;
}

/** Something that the guard refused, or in monitor mode would have. */
export interface GuardDenial {
  readonly at: Date;
  readonly backEnd: 'lsm' | 'cgroup' | 'nftables' | 'fanotify';
  readonly blocked: boolean;
  readonly operation:
    | FileOperation
    | 'connect'
    | 'send'
    | 'socket'
    | 'look up'
    | 'signal'
    | 'trace'
    | 'mount'
    | 'namespace'
    | 'bpf'
    /** Modules, other kernels, typing into terminals. */
    | 'privilege';
  /** Path, or address and port, or a name. */
  readonly target: string;
  readonly pid: number;
  readonly processName: string;
  /** Folder name of the control group of its AI agent, such as "run-…" or "adopted-…". */
  readonly group: string;
  /** Undefined: a protection of the product itself, no rule of a policy. */
  readonly rule: { readonly layer: PolicyLayer; readonly id: string } | undefined;
  /** In one sentence, where it is not the rule's own. */
  readonly reason?: string | undefined;
  /** What a program would have been started with, as far as the kernel could tell. */
  readonly arguments?: readonly string[];
  /** The processes above it, its parent first. */
  readonly ancestors?: readonly { readonly pid: number; readonly name: string }[];
}
