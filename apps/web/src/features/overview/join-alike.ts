/** A change that says the same of another target may be told together with it. */
export interface Tellable {
  /** What happened, by whom and why; undefined for what is told alone. */
  alike: string | undefined;
  target: string;
}

/**
 * Joins neighbours that differ in their target alone, so that two hundred enrolments do not hide a deploy. They are not
 * counted: what was fetched may not be all of them.
 *
 * @example joinAlike([{ alike: 'enrol', target: 'a' }, { alike: 'enrol', target: 'b' }]) // [{ …, target: 'a and others' }]
 */
export function joinAlike<Change extends Tellable>(changes: readonly Change[]): Change[] {
  return changes
    .filter((change, index) => index === 0 || !isLike(change, changes[index - 1]))
    .map((first) => {
      const next = changes[changes.indexOf(first) + 1];
      return isLike(first, next) ? { ...first, target: `${first.target} and others` } : first;
    });
}

function isLike(one: Tellable, other: Tellable | undefined): boolean {
  return one.alike !== undefined && one.alike === other?.alike;
}
