import { randomUUID } from 'node:crypto';
import {
  ControlPlane,
  certificateRequestOf,
  enrolWithTpm,
  SIMULATED_MACHINE,
  SimulatedTpm,
} from '@raypher/swarm';
import { serveRemote } from './remote.ts';

export type EnrolMethods = {
  /** Enrols so many devices. @returns milliseconds that each took, and all together */
  enrol(wanted: {
    server: string;
    token: string;
    kind: 'tpm' | 'software';
    devices: number;
    concurrency: number;
  }): Promise<{ eachMs: Float64Array; totalMs: number }>;
};

/** The control plane limits attempts by address; an office has more than one, too. */
const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];

serveRemote({
  async enrol({ server, token, kind, devices, concurrency }) {
    // Keys are made beforehand: a real device has its own chip for that.
    const tpms = Array.from({ length: devices }, () => new SimulatedTpm());
    const controlPlanes = await Promise.all(
      ADDRESSES.map((localAddress) => ControlPlane.reach(new URL(server), token, { localAddress })),
    );
    const eachMs = new Float64Array(devices);
    let next = 0;
    const enrolOne = async (index: number) => {
      const tpm = tpms[index];
      const controlPlane = controlPlanes[index % controlPlanes.length];
      if (tpm === undefined || controlPlane === undefined) throw new Error('more devices than were made');
      const device = {
        ...SIMULATED_MACHINE,
        hostname: `bench-${index}`,
        machineId: randomUUID(),
        agentVersion: 'bench',
        identityClass: kind,
        simulated: true,
      };
      const beganMs = performance.now();
      if (kind === 'tpm') await enrolWithTpm(controlPlane, tpm, device);
      else await controlPlane.enrol(await certificateRequestOf(tpm.deviceKey, device.hostname), device);
      eachMs[index] = performance.now() - beganMs;
    };
    const worker = async () => {
      while (next < devices) {
        const index = next;
        next += 1;
        await enrolOne(index);
      }
    };
    const beganMs = performance.now();
    await Promise.all(Array.from({ length: concurrency }, worker));
    const totalMs = performance.now() - beganMs;
    await Promise.all(controlPlanes.map((controlPlane) => controlPlane.close()));
    return { eachMs, totalMs };
  },
} satisfies EnrolMethods);
