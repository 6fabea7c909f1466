export { type ControlEntry, controlToOcsf } from './control-to-ocsf.ts';
export type { ExportContext, OcsfEvent } from './ocsf-event.ts';
export { OCSF_VERSION } from './ocsf-event.ts';
export { testEvent } from './test-event.ts';
export { toOcsf } from './to-ocsf.ts';
