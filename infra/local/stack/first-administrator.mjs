import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { secretFile } from '../state/private-files.mjs';
import { createAdministrator, resetPassword } from './one-shots.mjs';

/**
 * Makes sure that there is an organisation with an administrator.
 *
 * A generated password waits in a file that only we may read until the person has seen it: a start that fails after
 * this step must not lock them out.
 *
 * @param {import('./programs.mjs').StackFacts} facts
 * @param {object} options
 * @param {import('./one-shots.mjs').Administrator} [options.wanted]
 * @param {string} [options.knownAs] - the e-mail address of the administrator of earlier starts; then there is nothing
 *   to create.
 * @param {boolean} [options.reset] - gives that administrator a new password.
 * @param {AbortSignal} [options.signal]
 */
export async function ensureAdministrator(facts, { wanted, knownAs, reset = false, signal }) {
  const file = join(facts.paths.secrets, 'first-password');
  const forgetPassword = () => rm(file, { force: true });
  if (reset) await forgetPassword();
  const unseen = existsSync(file);
  const administrator = wanted ?? {
    organisation: 'My organisation',
    email: knownAs ?? 'admin@raypher.local',
    password: (await secretFile(file, () => randomBytes(12).toString('base64url'))).toString('utf8'),
  };
  if (knownAs !== undefined && !unseen && !reset) {
    await forgetPassword();
    return { administrator, passwordIsNew: false, forgetPassword };
  }
  const { created } = await createAdministrator(facts, administrator, signal);
  if (reset) await resetPassword(facts, administrator, signal);
  return { administrator, passwordIsNew: created || unseen || reset, forgetPassword };
}
