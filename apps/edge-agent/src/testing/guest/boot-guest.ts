import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { RECORD_MARK } from './record-mark.ts';

export interface GuestRun {
  /** Each line of JSON that the program printed. */
  readonly records: readonly unknown[];
  /** All else: messages of the kernel's, output of tools. */
  readonly console: string;
  readonly seconds: number;
}

/** Boots a kernel on an image, whose changes are thrown away, until it powers itself off. */
export async function bootGuest(kernel: string, image: string, timeoutMs: number): Promise<GuestRun> {
  const began = performance.now();
  const append =
    'console=ttyS0 quiet panic=-1 root=/dev/nvme0n1 rw init=/init mitigations=off init_on_alloc=0 audit=0';
  const machine = spawn(
    'qemu-system-x86_64',
    [
      // KVM hangs on machines that are themselves guests without nesting; this always works.
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-m', '1536', '-smp', '2'],
      ...['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot', '-nic', 'none'],
      ...['-drive', `file=${image},if=none,id=disk,format=raw,snapshot=on`],
      ...['-device', 'nvme,drive=disk,serial=root'],
      ...['-kernel', kernel, '-append', append],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const timer = setTimeout(() => machine.kill('SIGKILL'), timeoutMs);
  const records: unknown[] = [];
  const lines: string[] = [];
  machine.stderr.on('data', (chunk) => lines.push(String(chunk)));
  for await (const line of createInterface({ input: machine.stdout })) {
    const at = line.indexOf(RECORD_MARK);
    if (at === -1) lines.push(line);
    else records.push(JSON.parse(line.slice(at + 1)));
  }
  if (machine.exitCode === null && machine.signalCode === null) await once(machine, 'exit');
  clearTimeout(timer);
  return { records, console: lines.join('\n'), seconds: (performance.now() - began) / 1000 };
}
