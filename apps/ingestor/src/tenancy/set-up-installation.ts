import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { RaypherError } from '@raypher/shared';
import { z } from 'zod';
import { FeaturesModule } from '../api.module.ts';
import { SYSTEM } from '../audit/audit.repository.ts';
import { AccountsService } from '../auth/accounts.service.ts';
import { configModule } from '../config/config.module.ts';
import type { ApiConfig } from '../config/config.ts';
import { EnrolmentModule } from '../enrollment/enrolment.module.ts';
import { EnrolmentTokensService } from '../fleet/enrolment-tokens.service.ts';
import { KeysModule } from '../keys/keys.module.ts';
import { MetricsModule } from '../metrics/metrics.module.ts';
import { RedisModule } from '../redis/redis.module.ts';
import { TracingModule } from '../tracing/tracing.module.ts';
import { FoundingService } from './founding.service.ts';

const MaxUses = z.coerce.number().int().min(1).max(100_000);

const SetupFile = z.strictObject({
  organisation: z.string().trim().min(1).max(200),
  email: z.email().max(200),
  password: z.string().min(12).max(256),
});

/**
 * The one-time work of an installation, without a server: nothing listens.
 *
 * - no arguments: makes the organisation and first administrator that the set-up file names;
 * - `--enrolment-token --out FILE [--uses N] [--name TEXT]`: a token for 15 minutes and N devices (1), written to FILE
 *   (0600); the name is what the audit of each enrolment shows;
 * - `--reset-password`: gives the account in the set-up file the password in it.
 */
export async function setUpInstallation(config: ApiConfig, args: string[], setupFile: string | undefined) {
  const { values } = parseArgs({
    args,
    options: {
      'enrolment-token': { type: 'boolean', default: false },
      'reset-password': { type: 'boolean', default: false },
      out: { type: 'string' },
      uses: { type: 'string', default: '1' },
      name: { type: 'string', default: 'This machine' },
    },
  });
  const module = {
    module: class SetupModule {},
    imports: [
      configModule(config),
      MetricsModule,
      TracingModule,
      RedisModule,
      KeysModule,
      EnrolmentModule,
      FeaturesModule,
    ],
  };
  const context = await NestFactory.createApplicationContext(module, {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  try {
    if (values['enrolment-token']) {
      const { out } = values;
      if (out === undefined)
        throw new RaypherError('config/invalid', 'Say where the token goes: --out FILE.');
      const organisation = await context.get(FoundingService).first();
      if (organisation === undefined) {
        throw new RaypherError('config/invalid', 'There is no organisation yet.', {
          hint: 'Run set-up first.',
        });
      }
      const { token } = await context.get(EnrolmentTokensService).mint(organisation, SYSTEM, 'Raypher', {
        name: values.name,
        teamId: null,
        maxUses: MaxUses.parse(values.uses),
        expiresInMinutes: 15,
      });
      await writeFile(out, `${token}\n`, { mode: 0o600 });
      return { organisation, out };
    }
    const setup = readSetupFile(setupFile);
    if (values['reset-password']) {
      const userId = await context.get(AccountsService).resetPassword(setup.email, setup.password);
      if (userId === undefined)
        throw new RaypherError('request/not-found', `Nobody has the address ${setup.email}.`);
      return { reset: setup.email };
    }
    return await context.get(FoundingService).ensure(setup);
  } finally {
    await context.close();
  }
}

function readSetupFile(file: string | undefined): z.infer<typeof SetupFile> {
  if (file === undefined) {
    throw new RaypherError('config/invalid', 'RAYPHER_SETUP_FILE is not set.', {
      hint: 'It names a JSON file with organisation, email and password.',
    });
  }
  try {
    return SetupFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new RaypherError('config/invalid', `The set-up file ${file} does not have the expected form.`, {
      hint: 'It is JSON with organisation, email and a password of at least 12 characters.',
      cause,
    });
  }
}
