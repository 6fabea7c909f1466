export * from './attestation.ts';
export * from './common.ts';
export * from './control.ts';
export * from './fleet.ts';
export * from './identity.ts';
export * from './permissions.ts';
export * from './provisioning.ts';
export * from './record.ts';
