import { Injectable } from '@nestjs/common';

export interface HealthReport {
  ready: boolean;
  /** Each part that this process cannot work without, by name. */
  parts: Record<string, { ok: boolean; detail?: string }>;
}

/** Longest a single check may take, milliseconds. */
const CHECK_TIMEOUT_MS = 2_000;

/** Parts register how they are asked; `/readyz` asks them all. */
@Injectable()
export class HealthService {
  private readonly checks = new Map<string, () => Promise<void>>();

  /** @param check resolves when the part works, rejects with the reason when it does not. */
  register(name: string, check: () => Promise<void>): void {
    this.checks.set(name, check);
  }

  async report(): Promise<HealthReport> {
    const parts: HealthReport['parts'] = {};
    await Promise.all(
      [...this.checks].map(async ([name, check]) => {
        try {
          await withTimeout(check());
          parts[name] = { ok: true };
        } catch (error) {
          parts[name] = { ok: false, detail: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
    return { ready: Object.values(parts).every((part) => part.ok), parts };
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
