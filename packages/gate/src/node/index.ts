export * from './node-primitives.ts';
export * from './start-gate-server.ts';
