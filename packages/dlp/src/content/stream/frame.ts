import { applyEdits, type Edit } from '../edit.ts';

/** One event of a stream, held until everything in it is settled. */
export interface Frame {
  /** As it arrived. */
  bytes: Uint8Array;
  text: string;
  encode: (text: string) => Uint8Array;
  edits: Edit[];
  /** Pieces of channels in it that are not settled yet. */
  open: number;
}

/** @returns the bytes as they arrived when there is nothing to change */
export function frameBytes({ bytes, text, encode, edits }: Frame): Uint8Array {
  return edits.length === 0 ? bytes : encode(applyEdits(text, edits));
}

/** A piece of a channel's text inside of a frame. */
export interface Slice {
  frame: Frame;
  /** Units of the channel's text since it began, half open. */
  start: number;
  end: number;
  /** An edit of the piece (in its own units) as edits of the frame's text. */
  toFrame: (edit: Edit) => Edit[];
}
