import { basename, dirname, resolve } from 'node:path';
import type { FileView } from './files.ts';
import { isOwnScript } from './own-program.ts';
import { packageOfPath } from './package-name.ts';
import { type Program, parseProgram, type Runtime, runtimeOf } from './runtime.ts';
import type { Signatures } from './signatures.ts';

/** What a language runtime runs, and which project that belongs to. */
export interface Entry {
  runtime: Runtime;
  program: Program;
  /** Absolute path of the script without symbolic links, "-m module", or "-c" and the like for code without a file. */
  script: string;
  /** Where the search for a manifest starts; undefined when no manifest says anything about this program. */
  projectDirectory: string | undefined;
  /** The installed package that the script is part of. */
  ownPackage: string | undefined;
  /** A package manager, compiler, language server, this program or the like: what its project uses is not what it does. */
  isDevelopmentTool: boolean;
}

/** What can follow the name of a script that is given without extension, in the order of the runtimes. */
const COMPLETIONS: Record<Runtime, readonly string[]> = {
  python: ['', '/__main__.py'],
  node: ['', '.js', '.mjs', '.cjs', '/index.js', '/index.mjs'],
  deno: [''],
  bun: ['', '.ts', '.js', '.tsx', '/index.ts', '/index.js'],
};

/**
 * @param executable base name of the executable
 * @param cwd directory that relative paths start from; undefined when unknown
 * @returns undefined when this is not a language runtime
 */
export async function findEntry(
  executable: string,
  argv: readonly string[],
  cwd: string | undefined,
  files: FileView,
  signatures: Signatures,
): Promise<Entry | undefined> {
  const runtime = runtimeOf(executable);
  if (runtime === undefined) return undefined;
  const program = parseProgram(runtime, argv);
  if (program.kind === 'inline') {
    const isDevelopmentTool = false;
    return {
      runtime,
      program,
      script: program.flag,
      projectDirectory: cwd,
      ownPackage: undefined,
      isDevelopmentTool,
    };
  }
  if (program.kind === 'module') {
    const top = program.name.split('.', 1)[0] ?? '';
    const isDevelopmentTool = signatures.isOrdinaryScript(program.name) || signatures.isOrdinaryScript(top);
    return {
      runtime,
      program,
      script: `-m ${program.name}`,
      projectDirectory: isDevelopmentTool ? undefined : cwd,
      ownPackage: undefined,
      isDevelopmentTool,
    };
  }
  return findScript(runtime, program, cwd, files, signatures);
}

async function findScript(
  runtime: Runtime,
  program: Extract<Program, { kind: 'script' }>,
  cwd: string | undefined,
  files: FileView,
  signatures: Signatures,
): Promise<Entry> {
  const script = await locate(runtime, program.path, cwd, files);
  const owner = packageOfPath(script);
  if (owner?.ecosystem === 'npm' && signatures.isScriptRunner(owner.name)) {
    const [path, ...rest] = afterOptions(program.arguments);
    if (path !== undefined) {
      return findScript(runtime, { kind: 'script', path, arguments: rest }, cwd, files, signatures);
    }
  }
  const isDevelopmentTool =
    isOwnScript(script) ||
    (owner?.ecosystem === 'npm'
      ? signatures.isOrdinaryPackage(owner.name)
      : runtime === 'python' && signatures.isOrdinaryScript(basename(script)));
  const installed = owner !== undefined || isDevelopmentTool || !script.startsWith('/');
  return {
    runtime,
    program,
    script,
    projectDirectory: installed ? undefined : dirname(script),
    ownPackage: owner?.name,
    isDevelopmentTool,
  };
}

async function locate(
  runtime: Runtime,
  path: string,
  cwd: string | undefined,
  files: FileView,
): Promise<string> {
  const plain = path.startsWith('file://') ? decodeURI(path.slice('file://'.length)) : path;
  if (!plain.startsWith('/') && (cwd === undefined || /^[a-z]{2,}:/i.test(plain))) return plain;
  const absolute = resolve(cwd ?? '/', plain);
  for (const completion of COMPLETIONS[runtime]) {
    const found = await files.resolve(absolute + completion);
    // A directory resolves as well; its index file comes later in the list.
    if (found !== undefined && (await files.isFile(found))) return found;
  }
  return absolute;
}

function afterOptions(list: readonly string[]): readonly string[] {
  let index = 0;
  while (list[index]?.startsWith('-') || list[index] === 'watch') index += 1;
  return list.slice(index);
}
