export * from './connect-gate.ts';
export * from './gate-results.ts';
