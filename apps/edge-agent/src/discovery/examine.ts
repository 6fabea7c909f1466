import { basename } from 'node:path';
import { type Entry, findEntry } from './entry.ts';
import { FileView } from './files.ts';
import { maskText } from './mask.ts';
import { modelName, modelsOfArguments } from './models.ts';
import { isOwnExecutable } from './own-program.ts';
import { normalisePackage, packageOfPath } from './package-name.ts';
import type { PackageEvidence } from './packages.ts';
import { packagesOfCommand, packagesOfFiles, packagesOfManifest, packagesOfSource } from './packages.ts';
import { listProcDirectory, readProcFile, readProcLink } from './procfs.ts';
import { runtimeOf } from './runtime.ts';
import { readArguments, type ScannedProcess } from './scan.ts';
import type { Risk, SignatureMatch, Signatures } from './signatures.ts';

/** One reason to take a process for an AI agent. */
export interface Finding {
  /** Id of the signature. */
  id: string;
  risk: Risk;
  /** For people; credentials masked. */
  evidence: string;
}

/** What is known about one process: its own evidence, not that of its parents or children. */
export interface Assessment {
  findings: Map<string, Finding>;
  /** Package name (one spelling each) to evidence. */
  libraries: Map<string, string>;
  models: Set<string>;
  entryScript: string;
  /** Excused from what it merely carries along: keys in the environment, loaded libraries, its project. */
  ordinary: boolean;
  /** What could not be read. */
  reasons: string[];
  /** Files did not come in time, on a busy machine or from a network: to be examined again. */
  isLate: boolean;
}

const MAX_LIBRARIES = 256;
/** npm allows no longer ones. A manifest may hold anything; what is no name must not be carried around. */
const MAX_PACKAGE_NAME = 214;
const MAX_OPEN_FILES = 512;
const MAX_ARGUMENT_BYTES = 1024 * 1024;

/** Looks for signs of an AI agent in single processes. */
export class Examiner {
  readonly #signatures: Signatures;
  readonly #ownRoot = readProcLink('/proc/self/ns/mnt');

  constructor(signatures: Signatures) {
    this.#signatures = signatures;
  }

  /** The full examination, once per program that a process executes. */
  async examine(process: ScannedProcess): Promise<Assessment> {
    const assessment: Assessment = {
      findings: new Map(),
      libraries: new Map(),
      models: new Set(),
      entryScript: '',
      ordinary: false,
      reasons: [],
      isLate: false,
    };
    if (process.kernelThread || process.state === 'Z') return assessment;
    const executable = executableName(process);
    // Read before anything is awaited: the process may end at any time.
    const cwd = readProcLink(`/proc/${process.shownUnder}/cwd`);
    const files = FileView.ofProcess(process.shownUnder, this.#sharesRoot(process));
    const entry = await findEntry(
      executable,
      argumentsOf(process, executable),
      cwd.ok ? cwd.value : undefined,
      files,
      this.#signatures,
    );
    assessment.entryScript = entry?.script ?? '';
    assessment.ordinary =
      entry === undefined
        ? isOwnExecutable(process.exePath) ||
          (process.exeFromSystem && this.#signatures.isOrdinaryExecutable(executable))
        : entry.isDevelopmentTool;
    this.#checkBinary(executable, process, assessment);
    this.#checkArguments(executable, process, entry, assessment);
    if (!assessment.ordinary) {
      this.#checkEnvironment(process, assessment);
      this.lookAtFiles(process, assessment);
    }
    if (entry !== undefined) {
      const lists = await Promise.all([packagesOfSource(entry, files), packagesOfManifest(entry, files)]);
      this.#addPackages([...packagesOfCommand(entry), ...lists.flat()], assessment);
    }
    for (const model of modelsOfArguments(process.argv)) assessment.models.add(model);
    assessment.isLate = files.isLate;
    return assessment;
  }

  /** Libraries are loaded while a program runs, so this part is repeated. */
  lookAtFiles(process: ScannedProcess, assessment: Assessment): void {
    if (assessment.ordinary || process.kernelThread || process.state === 'Z') return;
    const mapped = mappedFiles(process.shownUnder);
    if (mapped === undefined) {
      if (!assessment.reasons.includes('mapped files: denied'))
        assessment.reasons.push('mapped files: denied');
      return;
    }
    // A runtime that was itself installed as a package says nothing about what it runs.
    if (assessment.entryScript !== '') mapped.delete(process.exePath);
    const opened = assessment.entryScript === '' ? [] : openFiles(process.shownUnder);
    for (const path of new Set([...mapped, ...opened])) {
      const name = basename(path);
      add(assessment, this.#signatures.library(name), `maps ${path}`);
      const weights = this.#signatures.modelFile(name);
      if (weights === undefined) continue;
      add(assessment, weights, `has the model ${path} loaded`);
      const model = modelName(name);
      if (model !== undefined) assessment.models.add(model);
    }
    this.#addPackages(packagesOfFiles([...mapped, ...opened]), assessment);
  }

  #sharesRoot(process: ScannedProcess): boolean {
    if (process.namespaces === undefined || !this.#ownRoot.ok) return true;
    if (process.namespaces.mnt !== this.#ownRoot.value) return false;
    const root = readProcLink(`/proc/${process.shownUnder}/root`);
    return !root.ok || root.value === '/';
  }

  #checkBinary(executable: string, process: ScannedProcess, assessment: Assessment): void {
    const where = process.exePath === '' ? `is named ${executable}` : `executes ${process.exePath}`;
    add(assessment, this.#signatures.binary(executable), where);
    const owner = packageOfPath(process.exePath);
    if (owner !== undefined) add(assessment, this.#signatures.program(owner.name), where);
  }

  #checkArguments(
    executable: string,
    process: ScannedProcess,
    entry: Entry | undefined,
    assessment: Assessment,
  ): void {
    const signatures = this.#signatures;
    if (entry === undefined) {
      if (/^(uvx?|pipx)$/.test(executable)) this.#checkRunner(process.argv.slice(1), assessment);
      return;
    }
    if (entry.program.kind === 'module') {
      add(assessment, signatures.module(entry.program.name), `runs the Python module ${entry.program.name}`);
      return;
    }
    if (entry.program.kind === 'inline') return;
    add(assessment, signatures.script(basename(entry.script)), `runs the script ${entry.script}`);
    if (entry.ownPackage !== undefined) {
      const match = signatures.program(entry.ownPackage);
      add(assessment, match, `runs ${entry.script} of the package ${entry.ownPackage}`);
      if (entry.isDevelopmentTool) this.#checkRunner(entry.program.arguments, assessment);
    }
  }

  /** `npx PACKAGE`, `uvx PACKAGE`, `pnpm dlx PACKAGE`: the first word that is neither option nor sub-command. */
  #checkRunner(list: readonly string[], assessment: Assessment): void {
    const word = list.find((part) => !part.startsWith('-') && !/^(run|tool|dlx|exec|x)$/.test(part));
    if (word === undefined) return;
    const name = /^((?:@[^/@]+\/)?[^@=[<>~!]+)/.exec(word)?.[1] ?? word;
    const match = this.#signatures.program(name) ?? this.#signatures.script(basename(name));
    add(assessment, match, `starts the package ${name}`);
  }

  #checkEnvironment(process: ScannedProcess, assessment: Assessment): void {
    // Names only, and only known ones: values never leave the buffer, which is overwritten after parsing.
    const names = readProcFile(`/proc/${process.shownUnder}/environ`, (bytes) =>
      knownNames(bytes, this.#signatures),
    );
    if (!names.ok) {
      assessment.reasons.push(`environment: ${names.failure}`);
      return;
    }
    for (const [name, match] of names.value) add(assessment, match, `has ${name} in its environment`);
  }

  #addPackages(packages: readonly PackageEvidence[], assessment: Assessment): void {
    for (const { ecosystem, name, evidence } of packages) {
      if (!isPackageName(name)) continue;
      const match = this.#signatures.package(ecosystem, name);
      if (!assessment.ordinary) add(assessment, match, evidence);
      const key = normalisePackage(name);
      const known = assessment.libraries.has(key) || (assessment.libraries.size >= MAX_LIBRARIES && !match);
      if (!known) assessment.libraries.set(key, maskText(evidence));
    }
  }
}

function isPackageName(name: string): boolean {
  return name.length <= MAX_PACKAGE_NAME && /^[\x21-\x7e]+$/.test(name);
}

/** A script must not hide behind thousands of options. */
function argumentsOf({ argv, argvIsCut, shownUnder }: ScannedProcess, executable: string): readonly string[] {
  if (!argvIsCut || runtimeOf(executable) === undefined) return argv;
  const read = readArguments(shownUnder, MAX_ARGUMENT_BYTES);
  return read.ok ? read.value.argv : argv;
}

/** Base name of the executable; without permission to see it, the name that the process gives itself. */
export function executableName(process: ScannedProcess): string {
  if (process.exePath !== '') return basename(process.exePath);
  return basename(process.argv[0] ?? process.name);
}

function add(assessment: Assessment, match: SignatureMatch | undefined, evidence: string): void {
  if (match === undefined || assessment.findings.has(match.id)) return;
  assessment.findings.set(match.id, { ...match, evidence: maskText(evidence) });
}

/** Names in a block of NAME=value entries, each ended by a zero byte, that a signature knows. */
function knownNames(block: Buffer, signatures: Signatures): [string, SignatureMatch][] {
  const found: [string, SignatureMatch][] = [];
  for (let start = 0; start < block.length; ) {
    const zero = block.indexOf(0, start);
    const end = zero < 0 ? block.length : zero;
    const equals = block.indexOf(0x3d, start);
    if (equals > start && equals < end && equals - start <= 64) {
      const name = block.toString('latin1', start, equals);
      const match = signatures.environmentName(name);
      // An empty value is no key: variables are often unset that way.
      if (match !== undefined && equals + 1 < end) found.push([name, match]);
    }
    start = end + 1;
  }
  return found;
}

function mappedFiles(pid: number): Set<string> | undefined {
  const read = readProcFile(`/proc/${pid}/maps`, (bytes) => {
    const paths = new Set<string>();
    for (const line of bytes.toString('utf8').split('\n')) {
      const slash = line.indexOf('/');
      if (slash > 0) paths.add(line.slice(slash).replace(/ \(deleted\)$/, ''));
    }
    return paths;
  });
  return read.ok ? read.value : undefined;
}

function openFiles(pid: number): string[] {
  const names = listProcDirectory(`/proc/${pid}/fd`);
  if (!names.ok) return [];
  return names.value.slice(0, MAX_OPEN_FILES).flatMap((name) => {
    const link = readProcLink(`/proc/${pid}/fd/${name}`);
    return link.ok && link.value.startsWith('/') ? [link.value.replace(/ \(deleted\)$/, '')] : [];
  });
}
