import { normaliseHost } from './host.ts';
import { normalisePath } from './path.ts';
import type { ActionRequest } from './request.ts';

/** The host or path that an action is about, in the one spelling that rules are matched against. */
export type Place =
  | { readonly ok: true; readonly place: string | undefined }
  | { readonly ok: false; readonly invalid: 'host' | 'path' };

const NOWHERE: Place = Object.freeze({ ok: true, place: undefined });

export function placeOf(request: ActionRequest): Place {
  switch (request.action) {
    case 'network.connect':
    case 'model.call':
      return found('host', normaliseHost(request.host));
    case 'data.out':
    case 'data.in':
      return request.host === undefined ? NOWHERE : found('host', normaliseHost(request.host));
    case 'file.read':
    case 'file.write':
    case 'file.delete':
    case 'device.open':
      return found('path', normalisePath(request.path));
    default:
      return NOWHERE;
  }
}

function found(invalid: 'host' | 'path', place: string | undefined): Place {
  return place === undefined ? { ok: false, invalid } : { ok: true, place };
}
