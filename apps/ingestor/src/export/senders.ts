import { Inject, Injectable } from '@nestjs/common';
import { ExportKind, ExportSettings } from '@raypher/shared/rest';
import { z } from 'zod';
import { API_CONFIG } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import type { ExportDestination } from '../generated/prisma/client.ts';
import type { OutboundNetwork } from '../http/outbound.ts';
import { seal, unseal } from '../keys/envelope.ts';
import { DeliveryError, type Sender } from './delivery.ts';
import { exportNetwork } from './export-network.ts';
import { FileSender } from './file-sender.ts';
import { ACK_PATIENCE, SplunkSender } from './splunk-sender.ts';
import { SyslogSender } from './syslog-sender.ts';
import { WebhookExportSender } from './webhook-export-sender.ts';

/** What of a destination nobody is shown again. */
export const ExportSecret = z.strictObject({
  /** Splunk. */
  token: z.string().optional(),
  /** Webhook: the whole address, and the key that signs. */
  url: z.string().optional(),
  signingKey: z.string().optional(),
  /** Syslog. */
  clientCertificate: z.string().optional(),
  clientKey: z.string().optional(),
});
export type ExportSecret = z.infer<typeof ExportSecret>;

/** Opens destinations. The only place where their secrets are in the clear. */
@Injectable()
export class Senders {
  /** Others where a test has receivers of its own. */
  network: OutboundNetwork;
  patience = ACK_PATIENCE;

  constructor(@Inject(API_CONFIG) private readonly config: ApiConfig) {
    this.network = exportNetwork(config.exportNetworks);
  }

  get fileAllowed(): boolean {
    return this.config.exportDirectory !== undefined;
  }

  sealed(organisationId: string, keyId: string, secret: ExportSecret): Uint8Array<ArrayBuffer> {
    const plain = Buffer.from(JSON.stringify(secret));
    return new Uint8Array(seal(this.config.masterKey, plain, contextOf(organisationId, keyId)));
  }

  secretOf({ organisationId, keyId, sealed }: ExportDestination): ExportSecret {
    const plain = unseal(this.config.masterKey, sealed, contextOf(organisationId, keyId));
    return ExportSecret.parse(JSON.parse(plain.toString('utf8')));
  }

  /**
   * @param isTest a file is tried beside the one that somebody may be writing
   * @throws DeliveryError when this process cannot send there at all
   */
  open(destination: ExportDestination, isTest = false): Sender {
    const { id, organisationId, address, ca } = destination;
    const settings = ExportSettings.parse(destination.settings);
    const { token, url, signingKey, clientCertificate, clientKey } = this.secretOf(destination);
    const options = { network: this.network, ca: ca ?? undefined };
    switch (ExportKind.parse(destination.kind)) {
      case 'splunk-hec':
        return new SplunkSender(address, token ?? '', settings, { ...options, patience: this.patience });
      case 'webhook':
        return new WebhookExportSender(
          id,
          { url: url ?? address, signingKey: signingKey ?? '' },
          settings,
          options,
        );
      case 'syslog-tls': {
        const client =
          clientCertificate === undefined || clientKey === undefined
            ? undefined
            : { certificate: clientCertificate, key: clientKey };
        return new SyslogSender(address, { ...options, client });
      }
      case 'file': {
        const { exportDirectory } = this.config;
        if (exportDirectory === undefined) {
          throw new DeliveryError('The operator has not set RAYPHER_EXPORT_DIR.', { isPermanent: true });
        }
        return new FileSender(exportDirectory, isTest ? `${organisationId}.test` : organisationId);
      }
    }
  }
}

function contextOf(owner: string, keyId: string) {
  return { owner, purpose: 'export-destination', keyId };
}
