export type { StateKindName } from './device/applied-state.ts';
export { type DeviceBehaviour, GOOD_BEHAVIOUR } from './device/device-behaviour.ts';
export { SimulatedTpm } from './device/simulated-tpm.ts';
export { ControlPlane } from './enrolment/control-plane.ts';
export { enrolWithTpm } from './enrolment/tpm-enrolment.ts';
export { type AppliedAt, preciseNowMs } from './fleet/applied-log.ts';
export { type Floor, startFloor } from './floor/floor.ts';
export { Swarm, type SwarmOptions, type SwarmStats } from './swarm.ts';
