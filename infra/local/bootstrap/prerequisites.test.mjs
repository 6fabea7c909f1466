import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Progress } from '../progress.mjs';
import { ensurePrerequisites, findOnPath } from './prerequisites.mjs';

const TABLE = /** @type {import('./prerequisites.mjs').Prerequisite[]} */ ([
  {
    command: 'some-server',
    others: ['same-server'],
    apt: 'some-package',
    brew: 'some',
    why: 'this test',
    for: ['start'],
  },
]);
const options = { progress: new Progress(), table: TABLE, yes: true };
const path = process.env.PATH;
/** @type {NodeJS.Platform} */
const otherPlatform = process.platform === 'aix' ? 'sunos' : 'aix';
/** @type {string} */
let folder;

/**
 * @param {string} name
 * @param {string} script
 */
async function program(name, script) {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'raypher-path-'));
  process.env.PATH = folder;
});
afterEach(async () => {
  process.env.PATH = path;
  await rm(folder, { recursive: true });
});

describe('the programs that npm cannot bring', () => {
  it('are found on PATH when they can be executed', async () => {
    expect(findOnPath('some-server')).toBeUndefined();
    await writeFile(join(folder, 'some-server'), '');
    expect(findOnPath('some-server')).toBeUndefined();
    await program('some-server', '');
    expect(findOnPath('some-server')).toBe(join(folder, 'some-server'));
    await ensurePrerequisites('start', options);
  });

  it('may go by another name', async () => {
    await program('same-server', '');
    await ensurePrerequisites('start', options);
  });

  it('are not asked for when the purpose does not need them', async () => {
    await ensurePrerequisites('test', options);
  });

  it('are not asked for on systems that do not need them', async () => {
    const table = TABLE.map((entry) => ({ ...entry, on: [otherPlatform] }));
    await ensurePrerequisites('start', { ...options, table });
  });

  it('are named with the exact command to run where we cannot install them', async () => {
    await expect(ensurePrerequisites('start', options)).rejects.toMatchObject({
      message: 'Missing: some-server.',
      hint: expect.stringMatching(
        /^Run: (sudo apt-get install --no-install-recommends some-package|brew install some)$/,
      ),
    });
  });

  it.runIf(process.getuid?.() === 0)(
    'are installed by root, after the package lists when those are old',
    async () => {
      const log = join(folder, 'log');
      await program(
        'apt-get',
        `echo "$@" >> ${log}
       if [ "$1" = update ]; then echo fresh > ${folder}/lists; exit 0; fi
       [ -f ${folder}/lists ] || exit 100
       printf '#!/bin/sh\\n' > ${folder}/some-server; /bin/chmod 755 ${folder}/some-server`,
      );
      await ensurePrerequisites('start', options);
      expect((await readFile(log, 'utf8')).split('\n')).toEqual([
        'install -y --no-install-recommends -o DPkg::Lock::Timeout=300 some-package',
        'update',
        'install -y --no-install-recommends -o DPkg::Lock::Timeout=300 some-package',
        '',
      ]);
    },
  );

  it.runIf(process.getuid?.() === 0)('are reported when the installation fails', async () => {
    await program('apt-get', 'echo "E: Unable to locate package"; exit 100');
    await expect(ensurePrerequisites('start', options)).rejects.toThrow(
      /could not install.*\n.*Unable to locate/,
    );
  });
});
