import type { ShellCommand } from './shell-commands.ts';

export interface PackageInstall {
  ecosystem: string;
  package: string;
  version?: string;
}

interface Installer {
  ecosystem: string;
  /** Words after the program's name that make it install; an empty text: the program alone does. */
  verbs: readonly string[];
  /** Options that take a value. */
  options?: string;
  /** Installs the first package alone, and hands the rest to it. */
  first?: boolean;
}

const NPM = { ecosystem: 'npm', options: '--prefix --registry --tag -w --workspace -C --dir --cwd' };
const PYPI = {
  ecosystem: 'pypi',
  options:
    '-r --requirement -c --constraint -i --index-url --extra-index-url -t --target -e --editable --python -p',
};

/** The plain forms. What is not among them is decided as the program that it is. */
const INSTALLERS: Readonly<Record<string, readonly Installer[]>> = {
  npm: [
    { ...NPM, verbs: ['install', 'i', 'add'] },
    { ...NPM, verbs: ['exec', 'x'], first: true },
  ],
  npx: [{ ...NPM, verbs: [''], first: true }],
  yarn: [
    { ...NPM, verbs: ['add', 'global add'] },
    { ...NPM, verbs: ['dlx'], first: true },
  ],
  pnpm: [
    { ...NPM, verbs: ['add', 'install', 'i'] },
    { ...NPM, verbs: ['dlx'], first: true },
  ],
  bun: [
    { ...NPM, verbs: ['add', 'install', 'i'] },
    { ...NPM, verbs: ['x'], first: true },
  ],
  bunx: [{ ...NPM, verbs: [''], first: true }],
  pip: [{ ...PYPI, verbs: ['install'] }],
  pip3: [{ ...PYPI, verbs: ['install'] }],
  python: [{ ...PYPI, verbs: ['-m pip install'] }],
  python3: [{ ...PYPI, verbs: ['-m pip install'] }],
  uv: [{ ...PYPI, verbs: ['add', 'pip install', 'tool install'] }],
  uvx: [{ ...PYPI, verbs: [''], first: true }],
  pipx: [
    { ...PYPI, verbs: ['install'] },
    { ...PYPI, verbs: ['run'], first: true },
  ],
  poetry: [{ ...PYPI, verbs: ['add'] }],
  cargo: [{ ecosystem: 'cargo', verbs: ['install', 'add'], options: '--version --git --path --features -F' }],
  gem: [{ ecosystem: 'gem', verbs: ['install'], options: '-v --version -s --source' }],
  go: [{ ecosystem: 'go', verbs: ['install', 'get'] }],
  brew: [{ ecosystem: 'brew', verbs: ['install'] }],
  apt: [{ ecosystem: 'apt', verbs: ['install'], options: '-o -t' }],
  'apt-get': [{ ecosystem: 'apt', verbs: ['install'], options: '-o -t' }],
};

/**
 * The packages that a command installs.
 *
 * @returns `null` when it installs something that its text does not name
 */
export function packageInstalls({ command, arguments: given }: ShellCommand): PackageInstall[] | null {
  const name = command.slice(command.lastIndexOf('/') + 1);
  const installers = Object.hasOwn(INSTALLERS, name) ? (INSTALLERS[name] ?? []) : [];
  if (installers.length === 0) return [];
  if (given === null) return null;
  for (const installer of installers) {
    const rest = afterVerb(installer, given);
    if (rest === undefined) continue;
    const names = packagesIn(rest, installer);
    return names.map((text) => ({
      ecosystem: installer.ecosystem,
      ...nameAndVersion(text, installer.ecosystem),
    }));
  }
  return [];
}

function afterVerb({ verbs }: Installer, given: readonly string[]): readonly string[] | undefined {
  for (const verb of verbs) {
    if (verb === '') return given;
    const words = verb.split(' ');
    // Options of the program may come before its verb.
    const start = given.findIndex(
      (word, at) => words.every((part, next) => given[at + next] === part) && word !== '',
    );
    const isFirst = start !== -1 && given.slice(0, start).every((word) => word.startsWith('-'));
    if (isFirst) return given.slice(start + words.length);
  }
  return undefined;
}

function packagesIn(words: readonly string[], { options = '', first }: Installer): string[] {
  const takesValue = new Set(options.split(' '));
  const found: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    // `npx -p PACKAGE command`
    if (first === true && (word === '-p' || word === '--package' || word === '--from')) {
      return [words[at + 1] ?? ''].filter((name) => name !== '');
    }
    if (word.startsWith('-')) {
      if (takesValue.has(word)) at += 1;
      continue;
    }
    found.push(word);
    if (first === true) break;
  }
  return found;
}

function nameAndVersion(text: string, ecosystem: string): { package: string; version?: string } {
  if (ecosystem === 'npm') {
    // alias@npm:real@1.0.0
    const real = /^(?:@?[^@]+@)?npm:(.+)$/.exec(text)?.[1] ?? text;
    const parts = /^(@?[^@]+)@(.+)$/.exec(real);
    return parts === null ? { package: real } : { package: parts[1] ?? real, version: parts[2] ?? '' };
  }
  if (ecosystem === 'pypi') {
    const [, name = text, version] =
      /^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?(?:\s*[=~<>!]=?=?\s*(.+))?$/.exec(text) ?? [];
    return version === undefined ? { package: name } : { package: name, version };
  }
  const at = text.lastIndexOf('@');
  return at > 0 ? { package: text.slice(0, at), version: text.slice(at + 1) } : { package: text };
}
