export { tunnelThrough } from './dial.ts';
export type { EndingKind, LinkEnding, LinkEvents, LinkLine, LinkTarget } from './line.ts';
export { openLink } from './open-link.ts';
