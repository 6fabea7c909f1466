import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';

interface SignInEventMap {
  /** A session ended: signed out or revoked. */
  ended: [session: { id: string; userId: string }];
  /** Somebody's role, team or standing changed. */
  changed: [member: { userId: string }];
}

/** Tells the parts that keep something per session (the live sockets) when it ends. */
@Injectable()
export class SignInEvents extends EventEmitter<SignInEventMap> {}
