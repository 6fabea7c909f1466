import type { Daemon } from '@raypher/testkit';

/** One process of the control plane that nobody starts again but us. */
export class Program {
  readonly name: string;
  readonly #launch: () => Promise<Daemon>;
  #daemon: Daemon | undefined;

  constructor(name: string, launch: () => Promise<Daemon>) {
    this.name = name;
    this.#launch = launch;
  }

  get isRunning(): boolean {
    return this.#daemon !== undefined;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    this.#daemon ??= await this.#launch();
  }

  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    daemon?.kill('SIGKILL');
    await daemon?.exited;
  }

  async stop(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    await daemon?.stop();
  }
}
