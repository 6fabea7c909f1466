import { readFileSync } from 'node:fs';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import { readPackagedFile } from '../packaged-file.ts';
import { normalisePackage } from './package-name.ts';

export const Risk = z.enum(['medium', 'high', 'critical']);
export type Risk = z.infer<typeof Risk>;

const Id = z.string().regex(/^(binary|argument|environment|library|weights|package)\.[a-z0-9-]+$/);
const Names = z.array(z.string().min(1)).min(1);

/** `data/signatures.json`. Names are compared whole, never as parts of longer words: `ray` is not in `array`. */
const SignatureFile = z.strictObject({
  version: z.literal(1),
  /** Names of executables. Unless `exact`, a version or platform may follow: `ollama-linux-amd64`. */
  binaries: z.array(z.strictObject({ id: Id, risk: Risk, names: Names, exact: z.boolean().optional() })),
  /** What a language runtime or package runner is told to run. */
  arguments: z.array(
    z.strictObject({
      id: Id,
      risk: Risk,
      /** Python modules, for `-m`; submodules count. */
      modules: Names.optional(),
      /** Names of console scripts. */
      scripts: Names.optional(),
      /** Packages whose own program it is (npm and PyPI names). */
      packages: Names.optional(),
    }),
  ),
  /** Names of environment variables. */
  environment: z.array(z.strictObject({ id: Id, risk: Risk, names: Names })),
  /** Shared objects without suffix: `libggml` fits `libggml.so`, `libggml-cpu.so.1`, not `libggmlx.so`. */
  libraries: z.array(z.strictObject({ id: Id, risk: Risk, names: Names })),
  /** Ends of the names of mapped files that hold model weights. */
  weights: z.array(z.strictObject({ id: Id, risk: Risk, suffixes: Names })),
  /** Packages by ecosystem; a name that ends in `/` is an npm scope. */
  packages: z.array(z.strictObject({ id: Id, risk: Risk, npm: Names.optional(), pypi: Names.optional() })),
  /** Programs that are not AI agents for what they carry along: an exported key, a project they stand in. */
  ordinary: z.strictObject({
    /** Only executables that belong to root and that nobody else can write are excused by these names. */
    executables: z.array(z.string()),
    /** npm packages whose programs are development tools. */
    packages: z.array(z.string()),
    /** Python console scripts and modules that are development tools. */
    scripts: z.array(z.string()),
  }),
  /** npm packages that run the script named by their first argument. */
  scriptRunners: z.array(z.string()),
});
export type SignatureFile = z.infer<typeof SignatureFile>;

export interface SignatureMatch {
  id: string;
  risk: Risk;
}

/**
 * @param file instead of the one that comes with the agent
 * @throws RaypherError `config/invalid` naming the entry that is wrong.
 */
export function loadSignatures(file?: string | URL): Signatures {
  const source = file === undefined ? readPackagedFile('data/signatures.json') : readFileSync(file, 'utf8');
  const parsed = SignatureFile.safeParse(JSON.parse(source));
  if (parsed.success) return new Signatures(parsed.data);
  throw new RaypherError(
    'config/invalid',
    `The signature file is not valid: ${z.prettifyError(parsed.error)}`,
  );
}

/** The signatures, indexed for look-up by name. */
export class Signatures {
  readonly #exactBinaries = new Map<string, SignatureMatch>();
  readonly #versionedBinaries: [RegExp, SignatureMatch][] = [];
  readonly #modules = new Map<string, SignatureMatch>();
  readonly #scripts = new Map<string, SignatureMatch>();
  readonly #programs = new Map<string, SignatureMatch>();
  readonly #environment = new Map<string, SignatureMatch>();
  readonly #libraries: [RegExp, SignatureMatch][] = [];
  readonly #weights: [string, SignatureMatch][] = [];
  readonly #packages = { npm: new Map<string, SignatureMatch>(), pypi: new Map<string, SignatureMatch>() };
  readonly #ordinaryExecutables: ReadonlySet<string>;
  readonly #ordinaryPackages: ReadonlySet<string>;
  readonly #ordinaryScripts: ReadonlySet<string>;
  readonly #scriptRunners: ReadonlySet<string>;

  constructor(file: SignatureFile) {
    for (const { id, risk, names, exact } of file.binaries) {
      for (const name of names) {
        this.#exactBinaries.set(name, { id, risk });
        if (exact !== true) this.#versionedBinaries.push([versioned(name), { id, risk }]);
      }
    }
    for (const { id, risk, modules = [], scripts = [], packages = [] } of file.arguments) {
      for (const name of modules) this.#modules.set(name, { id, risk });
      for (const name of scripts) this.#scripts.set(name, { id, risk });
      for (const name of packages) this.#programs.set(normalisePackage(name), { id, risk });
    }
    for (const { id, risk, names } of file.environment) {
      for (const name of names) this.#environment.set(name, { id, risk });
    }
    for (const { id, risk, names } of file.libraries) {
      for (const name of names) this.#libraries.push([sharedObject(name), { id, risk }]);
    }
    for (const { id, risk, suffixes } of file.weights) {
      for (const suffix of suffixes) this.#weights.push([suffix, { id, risk }]);
    }
    for (const { id, risk, npm = [], pypi = [] } of file.packages) {
      for (const name of npm) this.#packages.npm.set(name, { id, risk });
      for (const name of pypi) this.#packages.pypi.set(normalisePackage(name), { id, risk });
    }
    this.#ordinaryExecutables = new Set(file.ordinary.executables);
    this.#ordinaryPackages = new Set(file.ordinary.packages);
    this.#ordinaryScripts = new Set(file.ordinary.scripts);
    this.#scriptRunners = new Set(file.scriptRunners);
  }

  /** @param name base name of an executable */
  binary(name: string): SignatureMatch | undefined {
    const bare = name.toLowerCase().replace(/\.(exe|bin|appimage|llamafile)$/, '');
    return (
      this.#exactBinaries.get(bare) ?? this.#versionedBinaries.find(([pattern]) => pattern.test(bare))?.[1]
    );
  }

  /** @param name dotted Python module; `vllm.entrypoints.openai.api_server` is found by `vllm` */
  module(name: string): SignatureMatch | undefined {
    return longestPrefix(name, '.', this.#modules);
  }

  /** @param name base name of a console script */
  script(name: string): SignatureMatch | undefined {
    return this.#scripts.get(name.replace(/\.(exe|cmd)$/i, ''));
  }

  /** @param name package whose own program runs */
  program(name: string): SignatureMatch | undefined {
    return this.#programs.get(normalisePackage(name));
  }

  environmentName(name: string): SignatureMatch | undefined {
    return this.#environment.get(name);
  }

  /** @param name base name of a mapped file */
  library(name: string): SignatureMatch | undefined {
    return this.#libraries.find(([pattern]) => pattern.test(name))?.[1];
  }

  /** @param name base name of a mapped or open file */
  modelFile(name: string): SignatureMatch | undefined {
    return this.#weights.find(([suffix]) => name.endsWith(suffix))?.[1];
  }

  package(ecosystem: 'npm' | 'pypi', name: string): SignatureMatch | undefined {
    const packages = this.#packages[ecosystem];
    const normal = normalisePackage(name);
    return packages.get(normal) ?? packages.get(normal.slice(0, normal.indexOf('/') + 1));
  }

  isOrdinaryExecutable(name: string): boolean {
    return (
      this.#ordinaryExecutables.has(name) || this.#ordinaryExecutables.has(name.replace(/-?[\d.]+$/, ''))
    );
  }

  isOrdinaryPackage(name: string): boolean {
    return this.#ordinaryPackages.has(name);
  }

  isOrdinaryScript(name: string): boolean {
    return this.#ordinaryScripts.has(name) || this.#ordinaryScripts.has(name.replace(/[\d.]+$/, ''));
  }

  isScriptRunner(packageName: string): boolean {
    return this.#scriptRunners.has(packageName);
  }
}

const RISK_ORDER: readonly Risk[] = ['medium', 'high', 'critical'];

export function highestRisk(risks: Iterable<Risk>): Risk {
  let highest = 0;
  for (const risk of risks) highest = Math.max(highest, RISK_ORDER.indexOf(risk));
  return RISK_ORDER[highest] ?? 'medium';
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function versioned(name: string): RegExp {
  return new RegExp(
    `^${literally(name)}([-_.](v?\\d[\\w.]*|linux|darwin|macos|x86_64|amd64|arm64|aarch64))+$`,
  );
}

function sharedObject(name: string): RegExp {
  return new RegExp(`^${literally(name)}([-_][\\w.+-]+)?\\.(so|dylib|dll)([.\\d]*)$`);
}

function longestPrefix<T>(name: string, separator: string, map: ReadonlyMap<string, T>): T | undefined {
  for (let rest = name; rest !== ''; rest = rest.slice(0, Math.max(0, rest.lastIndexOf(separator)))) {
    const found = map.get(rest);
    if (found !== undefined) return found;
  }
  return undefined;
}
