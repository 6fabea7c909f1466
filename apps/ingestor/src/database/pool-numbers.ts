import type pg from 'pg';

/** What a pool tells of itself, in the words of the metrics. */
export function poolNumbers(pool: pg.Pool): { total: number; idle: number; waiting: number } {
  return { total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount };
}
