import {
  compilePolicy,
  type LayeredDocument,
  POLICY_LAYERS,
  PolicyDocument,
  PolicyMode,
  type PolicySnapshot,
} from '@raypher/policy';
import { LedgerEntry } from '@raypher/shared';
import { z } from 'zod';
import { askService } from '../control-client.ts';
import { type GlobalOptions, resolve } from '../global-options.ts';

/** What the service says about the policy it decides by. */
export interface PolicyInForce {
  readonly revision: number;
  readonly digest: string;
  readonly mode: PolicyMode;
  /** What the documents say, with defaults filled in. */
  readonly documents: readonly LayeredDocument[];
}

const PolicyInForce: z.ZodType<PolicyInForce> = z.object({
  revision: z.number(),
  digest: z.string(),
  mode: PolicyMode,
  documents: z.array(z.object({ layer: z.enum(POLICY_LAYERS), document: PolicyDocument })),
});

/** @throws RaypherError `service/not-running` */
export async function askPolicy(options: GlobalOptions): Promise<PolicyInForce> {
  return PolicyInForce.parse(await askService(resolve(options).paths.control, { verb: 'policy' }));
}

/** @throws RaypherError `service/not-running`, `request/not-found` */
export async function askEntry(options: GlobalOptions, seq: number): Promise<LedgerEntry> {
  return LedgerEntry.parse(await askService(resolve(options).paths.control, { verb: 'entry', seq }));
}

/** The newest entries of this machine's ledger, oldest first. */
export async function askEntries(options: GlobalOptions, lines: number): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  await askService(resolve(options).paths.control, { verb: 'logs', lines, follow: false }, (entry) =>
    entries.push(LedgerEntry.parse(entry)),
  );
  return entries;
}

/** Documents as the service compiled them. */
export function snapshotInForce({ revision, digest, documents }: PolicyInForce): PolicySnapshot {
  return compilePolicy({ revision, digest, layers: documents });
}
