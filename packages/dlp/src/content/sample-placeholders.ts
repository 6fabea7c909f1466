import { createHmac } from 'node:crypto';
import type { Replace } from './inspect.ts';
import { createPlaceholders, type Placeholders } from './placeholder/placeholder.ts';

/** Keyed hash for tests. */
export const sampleHash = (value: string) =>
  createHmac('sha256', 'scope of a test').update(value).digest('hex');

export const samplePlaceholders: Placeholders = createPlaceholders({ hash: sampleHash });

/** Takes out everything that was found. */
export const redactAll: Replace = (finding, _part, value) => samplePlaceholders.issue(finding, value);
