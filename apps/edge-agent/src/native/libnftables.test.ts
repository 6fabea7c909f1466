import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { libnftablesMissing } from './libnftables.ts';

const untestable =
  process.getuid?.() === 0 ? libnftablesMissing() : 'needs root: run the tests as root to see these';
const LIBRARY = new URL('libnftables.ts', import.meta.url).href;

/** Runs a script in a network namespace of its own, where all rules are its own. */
async function alone(script: string): Promise<unknown> {
  const text = `const { Nftables } = await import(${JSON.stringify(LIBRARY)});\n${script}`;
  const { stdout } = await promisify(execFile)('unshare', [
    '--net',
    process.execPath,
    '--input-type=module',
    '--eval',
    text,
  ]);
  return JSON.parse(stdout);
}

describe.skipIf(untestable !== undefined)(`the packet filter (${untestable ?? 'as root'})`, () => {
  test('a table with an owner outlives a flush of all rules, but not its owner', async () => {
    const seen = await alone(`
      const [owner, other] = [Nftables.open(), Nftables.open()];
      const seen = [];
      const look = () => seen.push(other.run('list tables').trim());
      owner.run('add table inet owned { flags owner; }');
      other.run('add table inet plain');
      look();
      other.run('flush ruleset');
      look();
      owner.close();
      look();
      console.log(JSON.stringify(seen));`);
    expect(seen).toEqual(['table inet owned\ntable inet plain', 'table inet owned', '']);
  });

  test('commands are one transaction, and a refusal says why', async () => {
    const seen = await alone(`
      const nft = Nftables.open();
      const seen = [];
      for (const bad of ['delete table inet nobody', 'add rule inet made here accept', 'nonsense']) {
        try {
          nft.run('add table inet made\\n' + bad);
        } catch (error) {
          seen.push(error.code + ': ' + error.message);
        }
      }
      console.log(JSON.stringify([...seen, nft.run('list tables')]));`);
    expect(seen).toEqual([
      expect.stringMatching(/^platform\/unsupported: .*No such file or directory/),
      expect.stringMatching(/^platform\/unsupported: .*No such file or directory/),
      expect.stringMatching(/^platform\/unsupported: .*syntax error/),
      '',
    ]);
  });

  test('a context that is closed runs nothing', async () => {
    const seen = await alone(`
      const nft = Nftables.open();
      nft.close();
      nft.close();
      try {
        nft.run('list tables');
      } catch (error) {
        console.log(JSON.stringify(error.message));
      }`);
    expect(seen).toBe('the context is closed');
  });
});
