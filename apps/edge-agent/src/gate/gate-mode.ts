import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const GateMode = z.object({ mode: z.enum(['enforce', 'monitor']), revision: z.number() });
type GateMode = z.infer<typeof GateMode>;

/** Beside the socket, and readable for those who may find it. */
const fileOf = (socket: string): string => `${socket}.mode`;

/**
 * Notes what the policy in force does, so that adapters know what to do when no service answers. It stays when the
 * service ends: that is what it is for.
 */
export function noteGateMode(socket: string, state: GateMode): void {
  const draft = `${fileOf(socket)}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(state)}\n`);
  // Whatever the umask of the service: those who may ask must be able to read it. The folder keeps the others out.
  chmodSync(draft, 0o644);
  renameSync(draft, fileOf(socket));
}

/**
 * What to do without an answer of the gate: `open` only where the last policy that was in force merely recorded.
 * Where that is not known, or the file is somebody else's, `closed`.
 */
export function withoutGate(socket: string): 'open' | 'closed' {
  try {
    const { uid } = statSync(fileOf(socket));
    if (uid !== 0 && uid !== process.getuid?.()) return 'closed';
    const { mode } = GateMode.parse(JSON.parse(readFileSync(fileOf(socket), 'utf8')));
    return mode === 'monitor' ? 'open' : 'closed';
  } catch {
    // Missing or damaged: nobody knows that it may be open.
    return 'closed';
  }
}
