import { isOnPath, runTool } from './run-tool.ts';

const ALIAS = 'raypher-interception';
/** What every Java installation protects its list of authorities with; it is no secret. */
const PASSWORD = ['-storepass', 'changeit'];

/** What Java has among its authorities, as its own tool lists it; undefined where there is no such list. */
export function listOfJava(): string | undefined {
  if (!isOnPath('keytool')) return undefined;
  const { ok, output } = runTool('keytool', ['-list', '-cacerts', ...PASSWORD]);
  return ok ? output : undefined;
}

/**
 * Under which name Java has a certificate among its authorities; undefined where it has not.
 *
 * @param fingerprint SHA-256, hex
 * @param list see {@link listOfJava}
 */
export function aliasInJava(fingerprint: string, list: string | undefined): string | undefined {
  const lines = (list ?? '').split('\n');
  const at = lines.findIndex((line) => line.replaceAll(':', '').toLowerCase().includes(fingerprint));
  // `debian:raypher.pem, Nov 30, 2026, trustedCertEntry,` stands on the line above.
  return at < 1 ? undefined : lines[at - 1]?.split(',')[0];
}

/** @returns the name that it has there, or why it did not work */
export function addToJava(certificate: string): { alias: string } | { fault: string } {
  removeFromJava(ALIAS);
  const { ok, said } = runTool(
    'keytool',
    ['-importcert', '-noprompt', '-trustcacerts', '-cacerts', ...PASSWORD, '-alias', ALIAS],
    { input: certificate },
  );
  return ok ? { alias: ALIAS } : { fault: said };
}

/** @returns why it did not work */
export function removeFromJava(alias: string): string | undefined {
  const { ok, said } = runTool('keytool', ['-delete', '-cacerts', ...PASSWORD, '-alias', alias]);
  return ok ? undefined : said;
}
