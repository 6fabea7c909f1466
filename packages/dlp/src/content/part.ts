import type { Edit } from './edit.ts';

/** What a text is to the model call it was found in. */
export type PartRole =
  | 'message'
  | 'system'
  | 'tool-arguments'
  | 'tool-result'
  /** Name, description and schema of a tool or of a wanted answer: changed, the call means something else. */
  | 'tool-definition'
  /** Ids, types and signatures of the protocol: changed, the call fails. High entropy means nothing here. */
  | 'protocol'
  | 'key'
  | 'header'
  /** A header that carries the caller's own credential to the provider. */
  | 'credential-header'
  | 'url'
  | 'file-name'
  /** Not text: only what credentials look like is told, and nothing can be taken out of it. */
  | 'binary'
  | 'other';

/** Where a text stands. */
export interface Place {
  /** JSON pointer, extended with `#json`, `#base64`, `#part/2` and the like where something was unpacked. */
  path: string;
  role: PartRole;
  /** Nearest key or header name: `password` tells what the text behind it is. */
  label?: string;
}

/** One decoded text of a message, in the order of the message. */
export interface Part extends Place {
  text: string;
  /** Set for another reading of a stretch of a part that came before it. */
  rereads?: Rereading;
}

/** Where a text that was read in another way stands. */
export interface Rereading {
  /** The part that holds it, as it was handed to the visitor. */
  of: Part;
  /** Units of that part for a unit of this text. */
  origin: (offset: number) => number;
}

/** Why something was not looked at; the caller decides whether it may pass. */
export interface Obstacle {
  path: string;
  reason: 'nesting' | 'size' | 'charset' | 'binary';
}

/** What a walk over a message does with each of its texts. */
export interface Visitor {
  /** @returns what to change, in units of the part's text */
  text(part: Part): Edit[];
  obstacle(obstacle: Obstacle): void;
  /** Whether more texts came than are looked at: a walk over many ends, the same way each time. */
  isFull?(): boolean;
}

const FIXED: ReadonlySet<PartRole> = new Set(['tool-definition', 'protocol', 'binary', 'credential-header']);

/** Whether a text may be changed without breaking what carries it. */
export function isRedactable(role: PartRole): boolean {
  return !FIXED.has(role);
}
