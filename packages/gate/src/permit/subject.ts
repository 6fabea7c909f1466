/** Who the operating system says is at the other end. */
export interface Caller {
  readonly uid: number;
  readonly pid?: number | undefined;
  /** When the process started, in the kernel's own ticks since boot: a pid alone is used again. */
  readonly startTicks?: string | undefined;
}

/** `user/UID`, or `process/UID/PID/START-TICKS`. */
export type Subject = `user/${number}` | `process/${number}/${number}/${string}`;

const SUBJECT = /^(?:user\/(0|[1-9]\d{0,9})|process\/(0|[1-9]\d{0,9})\/([1-9]\d{0,9})\/(0|[1-9]\d{0,19}))$/;

/** The user that a caller runs as. */
export function userSubject(caller: Caller): Subject {
  return `user/${caller.uid}`;
}

/** The process, where it is known exactly; else its user. */
export function closestSubject(caller: Caller): Subject {
  return caller.pid === undefined || caller.startTicks === undefined
    ? userSubject(caller)
    : `process/${caller.uid}/${caller.pid}/${caller.startTicks}`;
}

/** Whether a caller is who a permit or a verdict is for: its own process, or any process of its user. */
export function isSubject(caller: Caller, subject: string): boolean {
  return subject === userSubject(caller) || subject === closestSubject(caller);
}

/** Reads a subject back; `undefined` when it is none. */
export function parseSubject(text: string): Caller | undefined {
  const parts = SUBJECT.exec(text);
  if (parts === null) return undefined;
  const [, user, uid, pid, startTicks] = parts;
  return user === undefined ? { uid: Number(uid), pid: Number(pid), startTicks } : { uid: Number(user) };
}
