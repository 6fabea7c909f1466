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
  return changes.flatMap((first, index) => {
    if (isLike(first, changes[index - 1])) return [];
    const end = changes.findIndex((change, later) => later > index && !isLike(first, change));
    const run = changes.slice(index, end === -1 ? undefined : end);
    const others = run.some(({ target }) => target !== first.target);
    return [others ? { ...first, target: `${first.target} and others` } : first];
  });
}

function isLike(one: Tellable, other: Tellable | undefined): boolean {
  return one.alike !== undefined && one.alike === other?.alike;
}
