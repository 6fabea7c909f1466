import { randomUUID } from 'node:crypto';
import { probeCgroups } from '../response/cgroup.ts';
import { Protection } from '../response/protected.ts';
import { Panic } from './panic.ts';
import { PanicFolder } from './panic-folder.ts';

/** A panic in a process of its own, for tests that kill it: FOLDER, PID and the folder of control groups. */
const [path = '', pid = '', cgroupFolder = ''] = process.argv.slice(2);
const probe = probeCgroups(cgroupFolder);
const empty = { atMs: 0, processes: [], agents: [] };
// The record is never written: however late the kill comes, the panic is not over.
const { promise: never } = Promise.withResolvers<void>();
setInterval(() => {}, 1000);
const panic = new Panic({
  folder: new PanicFolder(path),
  path,
  sources: {
    organisation: randomUUID(),
    device: randomUUID(),
    inventory: { current: empty, refresh: async () => empty },
    entriesSince: () => [],
    connections: () => [],
    posture: () => [],
  },
  protection: new Protection(),
  cgroups: probe.available ? probe.cgroups : undefined,
  hold: { freeze: async () => undefined, heldBy: () => [] },
  organisationKey: () => undefined,
  record: () => never,
  note: () => undefined,
});
console.log('ready');
await panic.trigger({
  target: { kind: 'process', pid: Number(pid) },
  reason: 'incident 42',
  by: 'alice',
  origin: 'device',
  hold: false,
  memory: true,
});
