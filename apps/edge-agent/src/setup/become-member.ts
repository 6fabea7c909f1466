import { RaypherError } from '@raypher/shared';
import type { Config } from '../config/config.ts';
import { linkProxy } from '../config/link-proxy.ts';
import { enrollAt, pinServer } from '../identity/enroll.ts';
import { type Enrolment, saveEnrolment } from '../identity/enrolment.ts';
import type { KeyProvider } from '../identity/key-provider.ts';
import { dropNextKeys, openNextKeys, takeNextKeys } from '../identity/next-keys.ts';
import { openKeys } from '../identity/open-keys.ts';
import { acquireLock } from '../service/lock.ts';
import { isEnrolled, joinOrganisation, leaveOrganisation } from '../service/membership.ts';
import type { AgentPaths } from '../service/paths.ts';
import { discardToken } from './token-source.ts';

export interface NewMember {
  server: URL;
  /** Reads it, once it is certain that one is needed. */
  token: () => string;
  /** Where the token came from: emptied and removed once it is used. */
  tokenFile?: string | undefined;
  /** Leaves the organisation it belongs to. */
  replace: boolean;
  /** The old control plane could not be told. */
  unheard?: (why: string) => void;
}

/** Of the key that the device proves itself with. */
type MemberKey = Pick<KeyProvider, 'identityClass' | 'keyId'>;

/**
 * Enrols this machine, under the lock of its data folder. What fails leaves it what it was.
 *
 * @throws RaypherError `enrolment/…`, `service/already-running`, `tpm/…`, `device/…`
 */
export async function becomeMember(
  member: NewMember,
  paths: AgentPaths,
  config: Config,
): Promise<{ enrolment: Enrolment; key: MemberKey }> {
  const release = acquireLock(paths.lock);
  try {
    const isMember = isEnrolled(paths);
    if (isMember && !member.replace) {
      throw new RaypherError('enrolment/already-enrolled', 'This machine is enrolled already.', {
        hint: 'Use `raypher enroll --replace` to leave its organisation and enrol again.',
      });
    }
    const pinned = await pinServer(member.server, member.token(), linkProxy(config));
    // Whatever can go wrong with the new key shall go wrong before the old identity is given up.
    const next = await openNextKeys(paths, config);
    if (isMember) {
      next.close();
      const why = await leaveOrganisation(paths, config);
      if (why !== '') member.unheard?.(why);
    }
    const candidate = isMember ? await openNextKeys(paths, config) : next;
    let enrolment: Enrolment;
    try {
      enrolment = await enrollAt(pinned, candidate).catch((error) => giveUp(error, paths, candidate));
    } finally {
      candidate.close();
    }
    takeNextKeys(paths);
    saveEnrolment(paths.enrolment, enrolment);
    // Opened anew: what is sealed beside a key in a file belongs to the folder that the key is in from now on.
    const keys = await openKeys(paths, config);
    try {
      joinOrganisation(paths, enrolment, keys);
      if (member.tokenFile !== undefined) discardToken(member.tokenFile);
      return { enrolment, key: { identityClass: keys.identityClass, keyId: keys.keyId } };
    } finally {
      keys.close();
    }
  } finally {
    release();
  }
}

/**
 * A key in a file that the control plane knows already, from an attempt with another token whose answer was lost, is
 * of no use any more. A TPM's is kept: with another key, the same TPM would be taken for a copy.
 */
function giveUp(error: unknown, paths: AgentPaths, keys: KeyProvider): never {
  const isTaken = error instanceof RaypherError && error.code === 'enrolment/already-enrolled';
  if (!isTaken || keys.identityClass !== 'software') throw error;
  dropNextKeys(paths);
  throw new RaypherError(error.code, error.message, {
    hint: 'Try again: the next attempt makes a new key. Revoke the device of this attempt.',
    cause: error,
  });
}
