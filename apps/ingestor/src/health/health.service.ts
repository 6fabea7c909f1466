import { Injectable, type OnModuleDestroy } from '@nestjs/common';

export interface HealthReport {
  ready: boolean;
  /** Each part that this process cannot work without, by name. */
  parts: Record<string, { ok: boolean; detail?: string }>;
}

/** Longest a single check may take, milliseconds. */
const CHECK_TIMEOUT_MS = 2_000;

/** Parts register how they are asked; `/readyz` asks them all. */
@Injectable()
export class HealthService implements OnModuleDestroy {
  private readonly checks = new Map<string, { check: () => Promise<void>; isShared: boolean }>();
  private isStopping = false;

  /** First of all when the process is asked to end: a balancer shall send nobody here while the rest still works. */
  onModuleDestroy(): void {
    this.isStopping = true;
  }

  /**
   * @param check resolves when the part works, rejects with the reason when it does not.
   * @param options `isShared` for what all processes use alike: sending work elsewhere would not help.
   */
  register(name: string, check: () => Promise<void>, { isShared = false } = {}): void {
    this.checks.set(name, { check, isShared });
  }

  /**
   * Whether new work may be sent to this process. The database and Redis do not count: while one of them is away, what
   * we say about it (come back later; this can be read, that cannot) is better than no answer from anybody.
   */
  async serving(): Promise<boolean> {
    const own = [...this.checks.values()].filter(({ isShared }) => !isShared);
    const results = await Promise.allSettled(own.map(({ check }) => withTimeout(check())));
    return !this.isStopping && results.every(({ status }) => status === 'fulfilled');
  }

  async report(): Promise<HealthReport> {
    const parts: HealthReport['parts'] = {};
    await Promise.all(
      [...this.checks].map(async ([name, { check }]) => {
        try {
          await withTimeout(check());
          parts[name] = { ok: true };
        } catch (error) {
          parts[name] = { ok: false, detail: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
    return { ready: !this.isStopping && Object.values(parts).every((part) => part.ok), parts };
  }
}

async function withTimeout(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
