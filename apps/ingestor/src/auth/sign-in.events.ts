import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';

interface SignInEventMap {
  /** A session ended: signed out, revoked, or the member was disabled. */
  ended: [session: { id: string; userId: string }];
}

/** Tells the parts that keep something per session (the live sockets) when it ends. */
@Injectable()
export class SignInEvents extends EventEmitter<SignInEventMap> {}
