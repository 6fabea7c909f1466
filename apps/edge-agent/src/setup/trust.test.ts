import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestInterception } from '../testing/test-interception.ts';

const run = promisify(execFile);
let world: TestInterception;
const folder = mkdtempSync(join(tmpdir(), 'raypher-trust-'));
beforeAll(async () => {
  world = await TestInterception.start();
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Why this machine cannot show it: it changes what a system trusts, and shall not be this one. */
function unavailable(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root: run the tests as root to see this';
  const { status, stderr, error } = spawnSync('unshare', ['-m', '--propagation', 'private', 'true'], {
    encoding: 'utf8',
  });
  if (status !== 0) return `needs mount namespaces: ${error?.message ?? stderr.trim()}`;
  return has('update-ca-certificates') ? undefined : 'needs a system with update-ca-certificates';
}

function has(tool: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
}

/** What somebody does who uses each program; each says its name when it trusts the intercepted host. */
const CLIENTS = `
curl -sS -x "$PROXY" https://site.example/v1/models -H 'authorization: Bearer k' >/dev/null 2>&1 && echo curl
https_proxy="$PROXY" python3 -c "import urllib.request as u
u.urlopen(u.Request('https://site.example/v1/models', headers={'authorization': 'Bearer k'}))" 2>/dev/null && echo python
(! [ -e /etc/profile.d/raypher-trust.sh ] || . /etc/profile.d/raypher-trust.sh
NODE_USE_ENV_PROXY=1 HTTPS_PROXY="$PROXY" "$NODE" -e "fetch('https://site.example/v1/models')" 2>/dev/null && echo node) || true
keytool -list -cacerts -storepass changeit 2>/dev/null | tr -d : | grep -qi "$FINGERPRINT" && echo java
certutil -L -d "sql:$WORK/home/.pki/nssdb" -n 'Raypher interception' >/dev/null 2>&1 && echo browser
true
`;

/** In a system of its own: /etc and the anchors are copies, and there is a user with a browser. */
const SCRIPT = `
cp -a /etc "$WORK/etc"
cp -a /usr/local/share/ca-certificates "$WORK/anchors"
mount --bind "$WORK/etc" /etc
mount --bind "$WORK/anchors" /usr/local/share/ca-certificates
mkdir -p "$WORK/home/.pki/nssdb" "$WORK/data"
chmod 755 "$WORK"
echo "surfer:x:54321:54321::$WORK/home:/bin/sh" >> /etc/passwd
certutil -N -d "sql:$WORK/home/.pki/nssdb" --empty-password
chown -R 54321:54321 "$WORK/home"
( cd /etc && find . -type f ! -path './ssl/certs/java/*' -exec sha256sum {} + | LC_ALL=C sort ) > "$WORK/before"
act() { "$NODE" --disable-warning=ExperimentalWarning --input-type=module -e "
import { readFileSync } from 'node:fs';
import { $1 } from '$DRIVER';
$2
"; }
act installed "installed(readFileSync('$ROOT', 'utf8'))"
echo "== installed"; ( ${CLIENTS} )
echo "owner $(stat -c %u "$WORK/home/.pki/nssdb/cert9.db")"
act installed "installed(readFileSync('$ROOT', 'utf8'))"
act removed "await removed()"
echo "== removed"; ( ${CLIENTS} )
( cd /etc && find . -type f ! -path './ssl/certs/java/*' -exec sha256sum {} + | LC_ALL=C sort ) > "$WORK/after"
LC_ALL=C comm -13 "$WORK/before" "$WORK/after"
echo "nothing else left"
`;

test('curl, Python, Node.js, Java and browsers trust the root after setup, and after uninstall no trace is left', async ({
  skip,
}) => {
  const why = unavailable();
  if (why !== undefined) skip(why);
  const { stdout, stderr } = await run('unshare', ['-m', '--propagation', 'private', 'sh', '-ec', SCRIPT], {
    env: {
      PATH: process.env.PATH,
      WORK: folder,
      PROXY: world.url,
      NODE: process.execPath,
      ROOT: world.rootFile,
      FINGERPRINT: world.authority.fingerprint,
      DRIVER: new URL('./trust.test-support.ts', import.meta.url).pathname,
    },
    timeout: 110_000,
  }).catch((error) => error);
  const [, installed, removed] = stdout.split(/^== .*\n/m);
  expect(installed.split('\n'), stderr).toEqual(
    expect.arrayContaining([
      ...['curl', 'python', 'node', 'browser', 'owner 54321'],
      ...(has('keytool') ? ['java'] : []),
    ]),
  );
  // A second run found everything as it should be.
  expect(installed).toContain('again: unchanged');
  expect(removed.trim(), stderr).toBe('nothing else left');
}, 120_000);
