import { canonicalBytes, sha256Hex } from '@raypher/ledger';
import { BundlePayload } from '@raypher/shared';

/**
 * One revision may be signed in several variants that differ only in what is addressed to a team. A device
 * that moves to another team therefore gets another variant of the revision it has.
 *
 * Everything else in a revision is fixed: two bundles with the same number and different content for
 * everybody would let an old decision be replaced without a new revision.
 */
export function isOtherTeamVariant(before: Uint8Array, offered: BundlePayload): boolean {
  const parsed = BundlePayload.safeParse(JSON.parse(new TextDecoder().decode(before)));
  return parsed.success && digestForEverybody(parsed.data) === digestForEverybody(offered);
}

function digestForEverybody(payload: BundlePayload): string {
  return sha256Hex(canonicalBytes(partForEverybody(payload)));
}

function partForEverybody(payload: BundlePayload): unknown {
  switch (payload.kind) {
    case 'policy': {
      const { team: _, ...everybody } = payload;
      return {
        ...everybody,
        issuedAt: '',
        documents: payload.documents.filter(({ layer }) => layer !== 'team'),
      };
    }
    case 'freeze':
      return {
        ...payload,
        issuedAt: '',
        freezes: payload.freezes.filter(({ selector }) => selector.kind !== 'team'),
      };
    case 'command':
      return payload;
  }
}
