import { sendUnixDatagram } from '../native/unix-datagram.ts';
import { PartWatch } from './part-watch.ts';
import type { PartHealth } from './supervisor.ts';

/** How the service manager wants to hear from us: sd_notify(3), sd_watchdog_enabled(3). */
export interface NotifyTarget {
  /** A path, or `@name`. */
  socket: string;
  /** Undefined: the manager does not watch us. */
  watchdogMs: number | undefined;
}

/**
 * Reads what the service manager set, and takes it out of the environment: what the service starts must not be able
 * to speak for it.
 *
 * @returns undefined when no manager listens
 */
export function takeNotifyTarget(
  environment: NodeJS.ProcessEnv,
  pid = process.pid,
): NotifyTarget | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds, WATCHDOG_PID: watched } = environment;
  delete environment.NOTIFY_SOCKET;
  delete environment.WATCHDOG_USEC;
  delete environment.WATCHDOG_PID;
  if (socket === undefined || socket === '') return undefined;
  const milliseconds = Number(microseconds) / 1000;
  const isOurs = watched === undefined || watched === String(pid);
  return {
    socket,
    watchdogMs: isOurs && Number.isFinite(milliseconds) && milliseconds >= 1 ? milliseconds : undefined,
  };
}

export interface NotifierOptions {
  parts: () => readonly PartHealth[];
  /** Told once per run of failures; the service itself goes on. */
  failed: (error: unknown) => void;
}

/** Tells systemd what the service is doing. */
export class Notifier {
  readonly #target: NotifyTarget;
  readonly #options: NotifierOptions;
  readonly #watch = new PartWatch();
  #timer: NodeJS.Timeout | undefined;
  #isFailing = false;

  constructor(target: NotifyTarget, options: NotifierOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** Everything is in force. From here on the manager is pinged, from the event loop: a process that hangs is not. */
  ready(): void {
    this.#send('READY=1', this.#status());
    const { watchdogMs } = this.#target;
    if (watchdogMs === undefined) return;
    // Three pings in the time that one is expected in: a slow moment is not a failure.
    this.#timer = setInterval(() => this.#beat(), watchdogMs / 3);
    this.#beat();
  }

  reloading(): void {
    // systemd compares with its own monotonic clock, in microseconds.
    this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  reloaded(): void {
    this.#send('READY=1', this.#status());
  }

  stopping(): void {
    clearInterval(this.#timer);
    this.#send('STOPPING=1', 'STATUS=stopping');
  }

  #beat(): void {
    const healthy = this.#watch.isHealthy(this.#options.parts(), performance.now());
    this.#send(...(healthy ? ['WATCHDOG=1'] : []), this.#status());
  }

  #status(): string {
    const down = this.#options.parts().filter(({ state }) => state !== 'running');
    const text = down.map(({ name, reason }) => `${name} is being started again: ${reason}`).join('; ');
    // One line per assignment; a reason may hold anything.
    return `STATUS=${text === '' ? 'every part runs' : text.replaceAll(/\s+/g, ' ').slice(0, 500)}`;
  }

  #send(...lines: string[]): void {
    try {
      sendUnixDatagram(this.#target.socket, `${lines.join('\n')}\n`);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#options.failed(error);
      this.#isFailing = true;
    }
  }
}
