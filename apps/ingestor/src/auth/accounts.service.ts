import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RaypherError } from '@raypher/shared';
import { SIGN_IN } from './authentication.service.ts';
import { SignInAudit } from './sign-in.audit.ts';
import type { SignIn } from './sign-in.ts';

/** Accounts of the sign-in library, made and unmade by administrators only. */
@Injectable()
export class AccountsService {
  constructor(
    @Inject(SIGN_IN) private readonly signIn: SignIn,
    private readonly audit: SignInAudit,
  ) {}

  /** @throws RaypherError `request/conflict` when the address has an account already. */
  async create(account: { name: string; email: string; password: string }): Promise<string> {
    const context = await this.signIn.$context;
    const email = account.email.toLowerCase();
    const known = await context.internalAdapter.findUserByEmail(email);
    if (known !== null) {
      throw new RaypherError('request/conflict', `${email} has an account already.`, {
        hint: 'Use another address.',
      });
    }
    const hash = await context.password.hash(account.password);
    const user = await context.internalAdapter.createUser(
      { name: account.name, email, emailVerified: true },
      { method: 'admin' },
    );
    await context.internalAdapter.linkAccount({
      userId: user.id,
      providerId: 'credential',
      accountId: user.id,
      password: hash,
    });
    return user.id;
  }

  /** Takes back an account whose membership could not be written. */
  async remove(userId: string): Promise<void> {
    const context = await this.signIn.$context;
    await context.internalAdapter.deleteUser(userId);
  }

  /** Signs a person out everywhere. */
  async endSessions(userId: string): Promise<void> {
    const context = await this.signIn.$context;
    await context.internalAdapter.deleteUserSessions(userId);
  }

  /** Sets a new password and signs the person out everywhere; undefined when there is no such account. */
  async resetPassword(email: string, password: string): Promise<string | undefined> {
    const context = await this.signIn.$context;
    const known = await context.internalAdapter.findUserByEmail(email.toLowerCase());
    if (known === null) return undefined;
    await context.internalAdapter.updatePassword(known.user.id, await context.password.hash(password));
    await context.internalAdapter.deleteUserSessions(known.user.id);
    await this.audit.passwordReset(known.user.id);
    return known.user.id;
  }
}

/** 20 characters of 6 bits: 120 bits, easy to paste. */
export function generatePassword(): string {
  return randomBytes(15).toString('base64url');
}
