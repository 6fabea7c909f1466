import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fingerprintOf } from '../interception/certificate-authority.ts';
import { trustVariables } from '../interception/client-environment.ts';
import { clientBundle } from '../interception/trusted-roots.ts';
import { type InstallRecord, loadInstallRecord, saveInstallRecord, sha256Of } from './install-record.ts';
import { addToJava, aliasInJava, listOfJava, removeFromJava } from './java-trust.ts';
import { addToNss, nssStores, nssTrusts, removeFromNss } from './nss-trust.ts';
import { isOnPath } from './run-tool.ts';
import type { ReportStep } from './step.ts';
import type { SystemLayout } from './system-layout.ts';
import { systemTrust, systemTrustOf, tellSystem } from './system-trust.ts';

type TrustLayout = Pick<SystemLayout, 'dataDir' | 'rootCertificate' | 'bundle' | 'profile'>;

/**
 * Makes the programs of this system trust this machine's root. A second run changes nothing; with another root it
 * takes the place of the one before. What cannot be reached here is said and does not stop the rest.
 *
 * @param certificate PEM
 */
export function installTrust(layout: TrustLayout, certificate: string, report: ReportStep): void {
  const fingerprint = fingerprintOf(certificate);
  const record = loadInstallRecord(layout.dataDir);
  const place = (path: string, content: string): boolean => {
    const isSame = existsSync(path) && readFileSync(path, 'utf8') === content;
    if (!isSame) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      // Whatever the umask is: everybody's programs read it.
      chmodSync(path, 0o644);
    }
    record.files[path] = { sha256: sha256Of(path) };
    saveInstallRecord(layout.dataDir, record);
    return !isSame;
  };
  const javasList = listOfJava();
  place(layout.rootCertificate, certificate);
  chmodSync(dirname(layout.rootCertificate), 0o755);
  const system = systemTrust();
  if (system === undefined) {
    report({
      step: 'trust',
      state: 'unavailable',
      detail: 'the system: no update-ca-certificates or update-ca-trust',
    });
  } else {
    const isNew = place(system.anchor, certificate);
    const fault = isNew || !holds(system.bundle, certificate) ? tellSystem(system.refresh) : undefined;
    report(told('the system', isNew, fault));
  }
  // The system's own file follows its updates; a copy does not.
  const bundle = system !== undefined && holds(system.bundle, certificate) ? system.bundle : layout.bundle;
  if (bundle === layout.bundle) place(bundle, clientBundle(certificate));
  const isNew = place(layout.profile, profileText(bundle));
  report(told('variables of login shells (Node.js, Python, curl, …)', isNew, undefined, layout.profile));

  const remember = (kind: 'nss' | 'java', store: string): void => {
    record.trust = record.trust.filter((entry) => entry.kind !== kind || entry.store !== store);
    record.trust.push({ kind, store, fingerprint });
    saveInstallRecord(layout.dataDir, record);
  };
  if (javasList !== undefined && aliasInJava(fingerprint, javasList) === undefined) {
    // Debian's tool has told Java already. It does not take back what it told, so that falls to us too.
    const alias = aliasInJava(fingerprint, listOfJava());
    const added = alias === undefined ? addToJava(certificate) : { alias };
    if ('alias' in added) remember('java', added.alias);
    report(told('Java', true, 'fault' in added ? added.fault : undefined));
  }
  const stores = nssStores();
  if (stores.length > 0 && !isOnPath('certutil')) {
    const detail = `databases of browsers: certutil is missing (Debian: libnss3-tools); ${stores.length} were found`;
    report({ step: 'trust', state: 'unavailable', detail });
    return;
  }
  for (const store of stores) {
    if (nssTrusts(store, fingerprint)) continue;
    const fault = addToNss(store, certificate);
    if (fault === undefined) remember('nss', store);
    report(told(store, true, fault));
  }
}

/** Takes the root out of the stores that others have things in too. The files go with the rest of what was installed. */
export function removeFromStores({ trust }: InstallRecord, report: ReportStep): void {
  for (const { kind, store } of trust) {
    if (kind === 'nss' && !existsSync(store)) continue;
    const fault = kind === 'java' ? removeFromJava(store) : removeFromNss(store);
    report(told(kind === 'java' ? 'Java' : store, true, fault));
  }
}

/** After the files are gone: the system forgets what it took over from them. */
export function forgetAnchors({ files }: InstallRecord, report: ReportStep): void {
  for (const path of Object.keys(files)) {
    const system = systemTrustOf(path);
    if (system === undefined || existsSync(path)) continue;
    const fault = tellSystem(system.forget);
    report(told('the system', true, fault));
  }
}

/** A file of authorities that has our root in it, for programs of any user; undefined where nothing is installed. */
export function installedBundle(
  layout: Pick<SystemLayout, 'rootCertificate' | 'bundle'>,
): string | undefined {
  try {
    const certificate = readFileSync(layout.rootCertificate, 'utf8');
    return [systemTrust()?.bundle, layout.bundle].find(
      (file) => file !== undefined && holds(file, certificate),
    );
  } catch {
    return undefined;
  }
}

function holds(bundle: string, certificate: string): boolean {
  try {
    return readFileSync(bundle, 'utf8').includes(certificate.trim());
  } catch {
    return false;
  }
}

function told(
  where: string,
  isNew: boolean,
  fault: string | undefined,
  detail = where,
): Parameters<ReportStep>[0] {
  if (fault !== undefined) return { step: 'trust', state: 'unavailable', detail: `${where}: ${fault}` };
  return { step: 'trust', state: isNew ? 'done' : 'unchanged', detail };
}

/** What somebody has set stays. */
function profileText(bundle: string): string {
  const lines = Object.keys(trustVariables(bundle)).map(
    (name) => `  : "\${${name}:=$raypher_bundle}"; export ${name}`,
  );
  return `# Raypher: programs with a trust store of their own trust this machine's root too. Removed by \`raypher uninstall\`.
raypher_bundle='${bundle}'
if [ -r "$raypher_bundle" ]; then
${lines.join('\n')}
fi
unset raypher_bundle
`;
}
