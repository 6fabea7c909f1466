import { Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { ANY_API, type CommandView, type PushSecret, type RevokeSecret } from '@raypher/shared/rest';
import { SealedSecret } from '@raypher/vault';
import type { Principal } from '../auth/principal.ts';
import { CommandsService } from '../commands/commands.service.ts';
import type { TenantTransaction } from '../database/tenant-database.ts';
import { requireVaultKey } from './vault-key.ts';

/** A laptop may be closed for a few days; later nobody knows any more what the key was for. */
const EXPIRES_AFTER_MS = 7 * 24 * 60 * 60 * 1000;

/** Carries secrets to devices. They arrive encrypted and leave encrypted; nothing here could open one. */
@Injectable()
export class SecretsService {
  constructor(private readonly commands: CommandsService) {}

  /** @throws RaypherError `request/invalid` for what is not sealed, `request/conflict` for another vault key */
  async push(caller: Principal, deviceId: string, input: PushSecret): Promise<CommandView> {
    const { name, provider, use, keyId, reason } = input;
    const purpose = use === undefined ? {} : { use: JSON.stringify(use) };
    if ((provider === ANY_API) !== (use !== undefined)) throw noPurpose();
    const sealed = parseSealed(input.sealed);
    if (sealed.keyId !== keyId) throw notSealed();
    return this.commands.issue(caller, deviceId, {
      verb: 'put-secret',
      given: async (tx) => {
        await requireAnnouncedKey(tx, caller.organisation.id, deviceId, keyId);
        // Written anew: nothing that the schema does not know travels.
        return { name, provider, ...purpose, sealed: JSON.stringify(sealed) };
      },
      recorded: { name, provider, ...purpose },
      reason,
      expiresAfterMs: EXPIRES_AFTER_MS,
    });
  }

  async revoke(caller: Principal, deviceId: string, { name, reason }: RevokeSecret): Promise<CommandView> {
    return this.commands.issue(caller, deviceId, {
      verb: 'revoke-secret',
      given: async () => ({ name }),
      recorded: { name },
      reason,
      expiresAfterMs: EXPIRES_AFTER_MS,
    });
  }
}

async function requireAnnouncedKey(
  tx: TenantTransaction,
  organisationId: string,
  deviceId: string,
  keyId: string,
): Promise<void> {
  const device = await tx.device.findFirst({
    where: { organisationId, id: deviceId },
    select: { status: true, publicKey: true, vaultPublicKey: true, vaultKeySignature: true },
  });
  if (device?.status !== 'active') {
    throw new RaypherError('request/conflict', 'Secrets are sent to active devices only.', {
      hint: 'Approve or resume the device first.',
    });
  }
  await requireVaultKey({ ...device, deviceId, organisationId }, keyId);
}

function parseSealed(text: string): SealedSecret {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // What the parser quotes could be a key that somebody pasted here.
    throw notSealed();
  }
  const parsed = SealedSecret.safeParse(value);
  if (!parsed.success) throw notSealed();
  return parsed.data;
}

function noPurpose(): RaypherError {
  return new RaypherError(
    'request/invalid',
    'A secret is either the key of a provider or has a use of its own.',
    {
      hint: 'Send `use` with the provider `api`, and with no other.',
    },
  );
}

function notSealed(): RaypherError {
  return new RaypherError('request/invalid', 'This is not a secret sealed to the vault key it names.', {
    hint: 'Seal it in the console; this server takes no secrets that it could read.',
  });
}
