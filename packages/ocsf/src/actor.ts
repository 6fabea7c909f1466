import type { LedgerEntry } from '@raypher/shared';
import { type OcsfObject, present, said, unlessEmpty } from './ocsf-event.ts';

/** The process of whoever acted, if it is one that has a number or a name of its own. */
export function processOf({ kind, name, pid, user }: LedgerEntry['actor']): OcsfObject | undefined {
  if (pid === undefined && (kind !== 'process' || name === '')) return undefined;
  return present({ name: said(name), pid, user: userOf(user) });
}

/** Who acted, or nothing when the entry does not say. */
export function actorOf(actor: LedgerEntry['actor']): OcsfObject | undefined {
  const { kind, id, name, user } = actor;
  const isPerson = kind === 'user';
  const isApplication = kind === 'ai-agent' || kind === 'edge-agent' || kind === 'control-plane';
  return unlessEmpty(
    present({
      ...(isApplication ? { app_name: said(name), app_uid: said(id) } : {}),
      process: processOf(actor),
      user: isPerson ? personOf(id, name) : userOf(user),
    }),
  );
}

/** The same where the class requires one: then at least what kind of actor it was. */
export function someActor(actor: LedgerEntry['actor']): OcsfObject {
  return actorOf(actor) ?? { app_name: actor.kind };
}

function personOf(id: string, name: string): OcsfObject | undefined {
  return unlessEmpty(present({ name: said(name), uid: said(id) }));
}

function userOf(user: string | undefined): OcsfObject | undefined {
  return user === undefined || user === '' ? undefined : { name: user };
}
