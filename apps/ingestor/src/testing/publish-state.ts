import type { BundlePayload } from '@raypher/shared';
import { SigningService } from '../keys/signing.service.ts';
import { NUDGE_CHANNEL } from '../redis/channels.ts';
import { RedisConnections } from '../redis/redis-connections.ts';
import type { Installation } from './installation.ts';

export interface Published {
  revision: number;
  digest: Buffer;
  rolloutId: string;
}

/** Stores a signed revision with its rollout, as a deploy does, without telling anybody. */
export async function storeState(
  installation: Installation,
  kind: 'policy' | 'freeze',
  revision: number,
  teamId: string | null = null,
  source = `team: ${teamId ?? 'everybody'}`,
): Promise<Published> {
  const { organisationId } = installation;
  const common = { organisation: organisationId, revision, issuedAt: new Date().toISOString() };
  const payload: BundlePayload =
    kind === 'policy'
      ? { kind, ...common, documents: [{ layer: 'global', source }] }
      : { kind, ...common, freezes: [] };
  const signed = await installation.api.get(SigningService).signBundle(organisationId, payload);
  return installation.tenants.within(organisationId, async (tx) => {
    await tx.stateBundle.create({
      data: {
        organisationId,
        kind,
        revision: BigInt(revision),
        teamId,
        payload: new Uint8Array(signed.payload),
        digest: new Uint8Array(signed.digest),
        signature: new Uint8Array(signed.signature),
        keyId: signed.keyId,
      },
      select: { revision: true },
    });
    const known = await tx.rollout.findFirst({ where: { organisationId, kind, revision: BigInt(revision) } });
    const rollout =
      known ??
      (await tx.rollout.create({
        data: {
          organisationId,
          kind,
          revision: BigInt(revision),
          title: 'test',
          reason: 'test',
          createdBy: 'test',
        },
      }));
    return { revision, digest: signed.digest, rolloutId: rollout.id };
  });
}

/** Tells the link side to look. */
export function nudge(installation: Installation, kind: 'policy' | 'freeze', revision: number): void {
  installation.api
    .get(RedisConnections)
    .publish(NUDGE_CHANNEL, { topic: kind, organisation: installation.organisationId, revision });
}
