import type { EventDraft } from '../ledger/event-draft.ts';
import { actorOf } from '../proxy/network-event.ts';
import type { Tunnel } from '../proxy/proxied-tunnel.ts';
import type { ClientFault } from './client-fault.ts';

const SENTENCES: Record<ClientFault['reason'], string> = {
  'certificate-refused': 'The program does not accept the certificate of this machine.',
  closed: 'The program went away where it would have looked at the certificate of this machine.',
  handshake: 'There was no agreement on a version or cipher of TLS.',
  protocol: 'The program offers only protocols that are not HTTP.',
  'not-http': 'What TLS carries is not HTTP.',
  grpc: 'The program speaks gRPC, which cannot be carried through interception.',
};

const TRUST = 'Make the program trust the root (raypher ca export)';

/** One program and host that cannot be looked into, for the record. */
export function uninspectedEvent(
  facts: Omit<Tunnel, 'client'> &
    ClientFault & {
      program: string;
      /** From the next connection on. */
      passes: boolean;
      times: number;
    },
): EventDraft {
  const { host, port, caller, reason, detail, program, passes, times } = facts;
  const isTrust = reason === 'certificate-refused' || reason === 'closed';
  const remedy = `put ${host} on the list interception.pass_through`;
  return {
    type: 'network.uninspected',
    severity: passes ? 'notice' : 'warning',
    actor: actorOf(caller),
    action: 'look into a connection',
    target: `${host}:${port}`,
    data: {
      host,
      port,
      reason,
      detail,
      message: SENTENCES[reason],
      hint: isTrust ? `${TRUST}, or ${remedy}.` : `If it has to be, ${remedy}.`,
      program,
      times,
      /** Monitor mode: the program shall work, and is seen as a tunnel only. */
      passedFromNowOn: passes,
    },
  };
}
