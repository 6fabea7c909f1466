import { setTimeout as delay } from 'node:timers/promises';
import { ControlPlane, enrolDevice, hostnameOf } from '@raypher/swarm';
import { serveRemote } from './remote.ts';
import { SignedDevice } from './signed-load.ts';

export type IngestLoadMethods = {
  /** Enrols devices and opens their streams. */
  connect(options: { server: string; token: string; devices: number }): Promise<void>;
  /** Makes batches for every device: signed and encoded. */
  prepare(options: { batchesPerDevice: number; entriesPerBatch: number }): { entries: number; bytes: number };
  /** Sends all of them as fast as the control plane takes them. @returns when the last one is acknowledged */
  blast(): Promise<{ ms: number; cpuSeconds: number }>;
  /** Sends all of them at a pace. @returns milliseconds from sending to acknowledgement, for each batch */
  pace(options: { entriesPerSecond: number; entriesPerBatch: number }): Promise<Float64Array>;
};

const AT_ONCE = 8;

let devices: SignedDevice[] = [];
let failure: Error | undefined;
const failed = Promise.withResolvers<never>();
failed.promise.catch(() => undefined);

const methods: IngestLoadMethods = {
  async connect({ server, token, devices: count }) {
    const controlPlane = await ControlPlane.reach(new URL(server), token);
    const enrolled: SignedDevice[] = [];
    let next = 0;
    const work = async () => {
      for (let index = next++; index < count; index = next++) {
        const identity = await enrolDevice(controlPlane, hostnameOf(index), `bench-${index}`);
        const device = new SignedDevice(identity, controlPlane.root, `bench/${index}`);
        await device.connect((error) => {
          failure ??= error;
          failed.reject(error);
        });
        enrolled.push(device);
      }
    };
    await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, work)), failed.promise]);
    await controlPlane.close();
    devices = enrolled;
  },
  prepare({ batchesPerDevice, entriesPerBatch }) {
    let bytes = 0;
    for (const device of devices) {
      for (let batch = 0; batch < batchesPerDevice; batch += 1) bytes += device.prepare(entriesPerBatch);
    }
    return { entries: devices.length * batchesPerDevice * entriesPerBatch, bytes };
  },
  async blast() {
    const cpu = process.cpuUsage();
    const began = performance.now();
    await Promise.race([Promise.all(devices.map((device) => device.sendAll())), failed.promise]);
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    return { ms, cpuSeconds: (user + system) / 1e6 };
  },
  async pace({ entriesPerSecond, entriesPerBatch }) {
    const everyMs = (1_000 * entriesPerBatch) / entriesPerSecond;
    const sent: Promise<{ ackMs: number }>[] = [];
    const began = performance.now();
    // Devices in turn, so that no device waits for credits that a fleet would not wait for.
    for (let index = 0; ; index += 1) {
      const device = devices[index % devices.length];
      if (device === undefined || device.waiting === 0) break;
      const dueMs = began + index * everyMs - performance.now();
      if (dueMs > 1) await delay(dueMs);
      sent.push(device.sendNext());
      if (failure !== undefined) throw failure;
    }
    const answers = await Promise.race([Promise.all(sent), failed.promise]);
    return Float64Array.from(answers, ({ ackMs }) => ackMs);
  },
};

serveRemote(methods);
