import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';
import type { Alert, LiveMessages } from '@raypher/shared/rest';

export type ChangedObject = Parameters<LiveMessages['changed']>[0]['object'];

interface LiveChangeMap {
  changed: [organisationId: string, objects: readonly ChangedObject[]];
  /** An alert was raised or resolved by us. */
  alert: [organisationId: string, alert: Alert];
}

/** Where services say that something on somebody's screen is out of date. The gateway listens. */
@Injectable()
export class LiveChanges extends EventEmitter<LiveChangeMap> {
  announce(organisationId: string, ...objects: ChangedObject[]): void {
    this.emit('changed', organisationId, objects);
  }
}
