/** Unicode spaces and plus may not be in a key's name; neither may what no note may contain. */
const FORBIDDEN = /[\p{White_Space}+\p{Cc}]/u;

/** Whether a key may be called this (c2sp.org/signed-note). */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !FORBIDDEN.test(name);
}
