import { hash } from 'node:crypto';
import { splitPoint } from './tree-size.ts';

/** RFC 6962 §2.1, word by word and without anything of ours but the split. */
export function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return hash('sha256', '', 'buffer');
  if (leaves.length === 1) return only;
  const k = splitPoint(leaves.length);
  const [left, right] = [naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k))];
  return hash('sha256', Buffer.concat([Uint8Array.of(1), left, right]), 'buffer');
}

/** Leaf hashes of a log whose entry n is the decimal n. */
export function numberedLeaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => hash('sha256', `\0${index}`, 'buffer'));
}
