import { timingSafeEqual } from 'node:crypto';
import { RaypherError } from '@raypher/shared';
import type { Config } from '../config/config.ts';
import { loadEnrolment } from '../identity/enrolment.ts';
import { parseEnrolmentToken } from '../identity/enrolment-token.ts';
import { isEnrolled } from '../service/membership.ts';
import { agentPaths } from '../service/paths.ts';
import { becomeMember } from './become-member.ts';
import type { ReportStep } from './step.ts';
import { UNIT } from './system-layout.ts';
import { askSystemctl, isSystemdRunning, tellSystemctl } from './systemctl.ts';
import { readToken, type TokenOptions } from './token-source.ts';

export interface JoinOptions extends TokenOptions {
  server: URL;
  /** SHA-256 of the root's public key, base64url: what whoever wrote the command expects the token to name. */
  caPin?: string;
}

/**
 * Enrols this machine, unless it is a member already.
 *
 * @throws RaypherError `enrolment/already-enrolled` when it is one of another control plane, and as `raypher enroll`
 */
export async function joinOnce(options: JoinOptions, config: Config, report: ReportStep): Promise<void> {
  const paths = agentPaths(config.dataDir);
  if (isEnrolled(paths)) {
    const enrolment = loadEnrolment(paths.enrolment);
    if (enrolment !== undefined && enrolment.server !== options.server.origin) {
      throw new RaypherError('enrolment/already-enrolled', `This machine belongs to ${enrolment.server}.`, {
        hint: 'Use `raypher enroll --replace` to leave there and enrol again.',
      });
    }
    report({ step: 'enrol', state: 'unchanged', detail: `device ${enrolment?.device}` });
    return;
  }
  const token = readToken(options);
  checkPin(token, options.caPin);
  if (isSystemdRunning() && askSystemctl('is-active', UNIT) !== undefined) {
    // It was installed before it had an organisation; it is started again as a member.
    tellSystemctl('stop', UNIT);
    report({ step: 'stop', state: 'done', detail: 'the service is stopped to enrol' });
  }
  const { server, tokenFile } = options;
  const { enrolment } = await becomeMember(
    { server, token: () => token, tokenFile, replace: false },
    paths,
    config,
  );
  const waits = enrolment.status === 'active' ? '' : `, ${enrolment.status}: an administrator has to decide`;
  report({
    step: 'enrol',
    state: 'done',
    detail: `device ${enrolment.device} of ${enrolment.organisation.name}${waits}`,
  });
}

function checkPin(token: string, wanted: string | undefined): void {
  if (wanted === undefined) return;
  const [named, expected] = [parseEnrolmentToken(token).pin, wanted].map((pin) =>
    Buffer.from(pin, 'base64url'),
  );
  const isSame =
    named !== undefined &&
    expected !== undefined &&
    named.length === expected.length &&
    timingSafeEqual(named, expected);
  if (isSame) return;
  throw new RaypherError(
    'enrolment/pin-mismatch',
    'The token names another root certificate than --ca-pin.',
    {
      hint: 'Get both from the same dashboard: Fleet → Add devices.',
    },
  );
}
