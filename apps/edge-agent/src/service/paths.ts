import { join } from 'node:path';

/** Everything the agent keeps, under one folder that only its owner may enter. */
export interface AgentPaths {
  store: string;
  /** Key that the store's entries are encrypted with, sealed. */
  storeKey: string;
  /** Key of a software identity. */
  key: string;
  /** What an identity in the TPM is derived from; no secret. */
  tpmKey: string;
  enrolment: string;
  /** The vault's root, sealed. */
  vaultRoot: string;
  /** Key of the hashes by which sensitive data is recognised again. */
  findingKey: string;
  /** The root that clients of this machine trust, its key sealed. */
  authority: string;
  /** Certificates of authorities for programs that `raypher run` starts: the system's and this machine's own. */
  trustBundle: string;
  /** What a panic leaves: sealed snapshots, and what is under way. */
  panics: string;
  /** There while something of this agent may be in force in the kernel. */
  inKernel: string;
  lock: string;
  /** Socket on which the service takes orders from the command line. */
  control: string;
}

export function agentPaths(dataDir: string): AgentPaths {
  return {
    store: join(dataDir, 'agent.db'),
    storeKey: join(dataDir, 'identity', 'store.json'),
    key: join(dataDir, 'identity', 'device.key'),
    tpmKey: join(dataDir, 'identity', 'tpm.json'),
    enrolment: join(dataDir, 'identity', 'enrolment.json'),
    vaultRoot: join(dataDir, 'vault', 'root.json'),
    findingKey: join(dataDir, 'dlp', 'finding.key'),
    authority: join(dataDir, 'interception', 'root.json'),
    trustBundle: join(dataDir, 'interception', 'bundle.pem'),
    panics: join(dataDir, 'panics'),
    inKernel: join(dataDir, 'in-kernel'),
    lock: join(dataDir, 'service.lock'),
    control: join(dataDir, 'control.sock'),
  };
}
