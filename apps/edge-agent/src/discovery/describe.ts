import { basename } from 'node:path';
import type { AiAgent, AiProcess } from '@raypher/shared';
import { executableName } from './examine.ts';
import type { AgentGroup, Tracked } from './group.ts';
import { maskArguments, maskText } from './mask.ts';
import type { Confidence } from './scan.ts';
import { highestRisk } from './signatures.ts';
import { processKey } from './stat.ts';

const MAX_EVIDENCE = 32;
const MAX_EVIDENCE_LENGTH = 300;
const CONFIDENCE_ORDER: readonly Confidence[] = ['full', 'partial', 'low'];

export interface DescribeContext {
  /** Milliseconds since the epoch. */
  firstSeenMs: number;
  lastSeenMs: number;
  /** Models called through the proxy. */
  called: ReadonlySet<string>;
  /** processKey of suspended processes. */
  frozen: ReadonlySet<string>;
}

/** An AI agent as it is reported to the control plane. */
export function describeAgent(group: AgentGroup, context: DescribeContext): AiAgent {
  const { root, members } = group;
  const processes = members.map((member) => describeProcess(member, context.frozen));
  const findings = [...group.findings.values()];
  const { entryScript } = root.assessment;
  return {
    id: group.id,
    name: nameOf(root),
    user: root.process.user,
    exePath: root.process.exePath,
    exeSha256: root.process.exeSha256 ?? '',
    entryScript: maskText(entryScript),
    libraries: sorted(members.flatMap(({ assessment }) => [...assessment.libraries.keys()])),
    models: sorted([...context.called, ...members.flatMap(({ assessment }) => [...assessment.models])]),
    signatures: sorted(findings.map(({ id }) => id)),
    risk: highestRisk(findings.map(({ risk }) => risk)),
    evidence: findings.slice(0, MAX_EVIDENCE).map(({ evidence }) => evidence.slice(0, MAX_EVIDENCE_LENGTH)),
    processes,
    frozen: processes.length > 0 && processes.every((process) => process.frozen),
    firstSeenMs: BigInt(Math.trunc(context.firstSeenMs)),
    lastSeenMs: BigInt(Math.trunc(context.lastSeenMs)),
    confidence: lowest(members.map(confidenceOf)),
  };
}

function describeProcess({ process }: Tracked, frozen: ReadonlySet<string>): AiProcess {
  return {
    pid: process.pid,
    ppid: process.ppid,
    startTime: BigInt(process.startTime),
    name: process.name,
    commandLine: maskArguments(process.argv),
    rssBytes: BigInt(process.rssBytes),
    cpuShare: process.cpuShare,
    frozen: frozen.has(processKey(process)),
  };
}

function nameOf(root: Tracked): string {
  const { entryScript } = root.assessment;
  if (entryScript.startsWith('-m ')) return entryScript.slice(3);
  return entryScript.startsWith('/') ? basename(entryScript) : executableName(root.process);
}

function confidenceOf({ process, assessment }: Tracked): Confidence {
  return process.confidence === 'full' && assessment.reasons.length > 0 ? 'partial' : process.confidence;
}

function lowest(all: readonly Confidence[]): Confidence {
  return CONFIDENCE_ORDER[Math.max(0, ...all.map((one) => CONFIDENCE_ORDER.indexOf(one)))] ?? 'full';
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
