export * from './approval-reach.ts';
export * from './bundles.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './freeze-selector.ts';
export * from './generated/raypher/v1/link.ts';
export * from './ids.ts';
export * from './link-http.ts';
