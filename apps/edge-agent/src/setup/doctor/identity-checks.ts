import { X509Certificate } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import { systemServiceHint } from '../../config/system-service.ts';
import { loadEnrolment } from '../../identity/enrolment.ts';
import { readMachineIdentity } from '../../identity/tpm/machine-identity.ts';
import { tss2Library } from '../../native/tss2-library.ts';
import { agentPaths } from '../../service/paths.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

export function identityChecks(config: Config): Check[] {
  return [
    { name: 'libtss2', run: tpmLibrary },
    { name: 'TPM', run: () => tpm(config.tpmTcti) },
    { name: 'membership', run: () => membership(config) },
    { name: 'certificate', run: () => certificate(config) },
  ];
}

function tpmLibrary(): Finding {
  try {
    tss2Library();
    return ok('libtss2-esys.so.0, libtss2-mu.so.0 and libtss2-tctildr.so.0 are loaded');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return warn(why, 'Install it where there is a TPM: apt install libtss2-esys-3.0.2-0 libtss2-tctildr0.');
  }
}

/** A locked, busy or forbidden TPM is an error of readMachineIdentity, which says what to do. */
function tpm(tcti: string | undefined): Finding {
  const identity = readMachineIdentity(tcti);
  if (identity.tpm === null) return warn(identity.reason, identity.nextStep);
  const { manufacturer, firmwareVersion, endorsementKey } = identity.tpm;
  const proof = endorsementKey.certificate === null ? 'no certificate' : 'a certificate';
  return ok(
    `${identity.class} TPM of ${manufacturer.name ?? manufacturer.id}, firmware ${firmwareVersion}, ` +
      `endorsement key ${endorsementKey.fingerprint.slice(0, 16)} with ${proof}`,
  );
}

function membership(config: Config): Finding {
  const enrolment = loadEnrolment(agentPaths(config.dataDir).enrolment);
  if (enrolment === undefined) {
    const advice = systemServiceHint(config.dataDir) ?? 'Run `raypher setup`.';
    return warn('not enrolled: everything is recorded, nothing is blocked', advice);
  }
  const shown = `device ${enrolment.device} of ${enrolment.organisation.name}, ${enrolment.identityClass} identity`;
  if (enrolment.status === 'active') return ok(shown);
  return warn(`${shown}, ${enrolment.status}`, 'An administrator has to decide, under Devices.');
}

function certificate(config: Config): Finding {
  const enrolment = loadEnrolment(agentPaths(config.dataDir).enrolment);
  if (enrolment === undefined) return ok('none, because not enrolled');
  const { validTo } = new X509Certificate(enrolment.certificate);
  const left = Math.round((Date.parse(validTo) - Date.now()) / 60_000);
  const time = left < 120 ? `${left} min` : `${Math.round(left / 60)} h`;
  if (left <= 0) {
    return fail(`expired at ${validTo}`, 'Enrol again with `raypher enroll --replace` and a fresh token.');
  }
  if (Date.now() > Date.parse(enrolment.renewAfter) + 3_600_000) {
    return warn(
      `should have been renewed at ${enrolment.renewAfter}, valid for ${time}`,
      'Is the service running?',
    );
  }
  return ok(`valid for ${time}, renewed after ${enrolment.renewAfter}`);
}
