import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { secretFile } from '../state/private-files.mjs';
import { createAdministrator } from './one-shots.mjs';

/**
 * Makes sure that there is an organisation with an administrator.
 *
 * A generated password waits in a file that only we may read until the person has seen it: a start that fails after
 * this step must not lock them out.
 *
 * @param {import('./programs.mjs').StackFacts} facts
 * @param {object} options
 * @param {import('./one-shots.mjs').Administrator} [options.wanted]
 * @param {string} [options.knownAs] - the e-mail address of the administrator of earlier starts.
 * @param {AbortSignal} [options.signal]
 */
export async function ensureAdministrator(facts, { wanted, knownAs, signal }) {
  if (wanted !== undefined) {
    const { created } = await createAdministrator(facts, wanted, signal);
    return { administrator: wanted, passwordIsNew: created, forgetPassword: async () => {} };
  }
  const file = join(facts.paths.secrets, 'first-password');
  const unseen = existsSync(file);
  const administrator = {
    organisation: 'My organisation',
    email: knownAs ?? 'admin@raypher.local',
    password: (await secretFile(file, () => randomBytes(12).toString('base64url'))).toString('utf8'),
  };
  const forgetPassword = () => rm(file, { force: true });
  const { created } = await createAdministrator(facts, administrator, signal);
  const passwordIsNew = created || unseen;
  if (!passwordIsNew) await forgetPassword();
  return { administrator, passwordIsNew, forgetPassword };
}
