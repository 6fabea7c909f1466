import { getPriority, setPriority } from 'node:os';

const HIGHEST_PRIORITY = -20;

/** Works of this kind that are under way, and the priority before the first of them. */
let underWay = 0;
let before = 0;

/** Works at the highest priority: a tree that takes all processors must not starve the one that stops it. */
export async function atHighestPriority<T>(work: () => Promise<T>): Promise<T> {
  if (underWay === 0) {
    before = getPriority();
    prefer(HIGHEST_PRIORITY);
  }
  underWay += 1;
  try {
    return await work();
  } finally {
    underWay -= 1;
    if (underWay === 0) prefer(before);
  }
}

/** Without the right to, it stays as it is. */
function prefer(priority: number): void {
  try {
    setPriority(priority);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}
