import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '../../service/posture-board.ts';
import type { GuardCapability } from '../guard-back-end.ts';
import type { GuardDenial, GuardPolicy } from '../guard-policy.ts';
import type { LsmBackEnd } from './lsm-back-end.ts';

export interface LsmCanaryOptions {
  readonly cgroupFolder: string;
  /** A command that connects to the address and port that it is given last; it never gets that far. */
  readonly connect?: readonly [string, ...string[]];
}

/** For documentation (RFC 5737): nothing is there. */
const NOWHERE = '192.0.2.1';
const NOWHERE_PORT = 9;
const TIMEOUT_MS = 5000;
const CONNECT =
  "require('node:net').connect(Number(process.argv[2]),process.argv[1]).on('error',()=>process.exit(1)).on('connect',()=>process.exit(0))";

/** Tries what is forbidden from a group of its own, and reads the denial back. */
export function lsmCanary(
  options: LsmCanaryOptions,
): (backEnd: LsmBackEnd, capability: GuardCapability) => Promise<Finding> {
  return async (backEnd, capability) => {
    const group = `canary-${randomUUID()}`;
    const cgroup = join(options.cgroupFolder, group);
    const folder = mkdtempSync(join(tmpdir(), 'raypher-canary-'));
    mkdirSync(cgroup);
    try {
      const trial = trialOf(capability, folder, options);
      if (trial === undefined) return { state: 'unavailable', reason: 'the kernel programs do not do that' };
      await backEnd.apply(group, policyFor(folder));
      return await tryIt(backEnd, { group, cgroup }, trial);
    } finally {
      backEnd.forget(group);
      rmSync(folder, { recursive: true, force: true });
      rmdirSync(cgroup);
    }
  };
}

interface Trial {
  readonly command: readonly string[];
  readonly operation: GuardDenial['operation'];
}

function trialOf(
  capability: GuardCapability,
  folder: string,
  { connect }: LsmCanaryOptions,
): Trial | undefined {
  switch (capability) {
    case 'kernel.files':
      writeFileSync(join(folder, 'secret'), 'nothing');
      return { command: ['/bin/cat', join(folder, 'secret')], operation: 'read' };
    case 'kernel.programs':
      copyFileSync('/bin/true', join(folder, 'forbidden'));
      chmodSync(join(folder, 'forbidden'), 0o755);
      return { command: [join(folder, 'forbidden')], operation: 'execute' };
    case 'kernel.network': {
      const command = connect ?? [process.execPath, '-e', CONNECT];
      return { command: [...command, NOWHERE, String(NOWHERE_PORT)], operation: 'connect' };
    }
    case 'kernel.self':
      return { command: ['/bin/sh', '-c', `kill -CONT ${process.pid}`], operation: 'signal' };
    case 'kernel.redirect':
    case 'kernel.names':
      return undefined;
  }
}

function policyFor(folder: string): GuardPolicy {
  const deny = { verdict: 'deny', programs: undefined, reason: 'a canary' } as const;
  return {
    digest: 'canary',
    revision: 0,
    network: 'enforce',
    lists: [
      {
        layer: 'local',
        section: 'canary',
        mode: 'enforce',
        defaults: {},
        rules: [
          { ...deny, id: 'canary-file', operations: ['read'], paths: [join(folder, 'secret')] },
          { ...deny, id: 'canary-program', operations: ['execute'], paths: [join(folder, 'forbidden')] },
        ],
      },
    ],
  };
}

async function tryIt(
  backEnd: LsmBackEnd,
  place: { group: string; cgroup: string },
  trial: Trial,
): Promise<Finding> {
  const seen: GuardDenial[] = [];
  const stop = backEnd.listen((denial) => {
    if (denial.group === place.group) seen.push(denial);
  });
  try {
    const script = `echo $$ > ${place.cgroup}/cgroup.procs && exec "$@"`;
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...trial.command], {
      stdio: 'ignore',
      env: {},
      timeout: TIMEOUT_MS,
    });
    const [code] = await once(child, 'exit');
    if (code === 0) return { state: 'unavailable', reason: `a forbidden ${trial.operation} was not refused` };
    const until = performance.now() + TIMEOUT_MS;
    const isTold = (): boolean =>
      seen.some(({ operation, blocked }) => blocked && operation === trial.operation);
    for (backEnd.drain(); !isTold() && performance.now() < until; backEnd.drain()) await delay(10);
    return isTold()
      ? { state: 'enforced', reason: `a forbidden ${trial.operation} was refused and recorded` }
      : {
          state: 'unavailable',
          reason: `a forbidden ${trial.operation} failed, but the kernel told of no refusal`,
        };
  } finally {
    stop();
  }
}
