import 'reflect-metadata';
import { RaypherError } from '@raypher/shared';
import { readConfig } from './config/config.ts';
import { setUpInstallation } from './tenancy/set-up-installation.ts';

try {
  const config = readConfig({ ...process.env, RAYPHER_ROLE: 'api' });
  if (config.role !== 'api') throw new Error('set-up runs as the api role');
  const answer = await setUpInstallation(config, process.argv.slice(2), process.env.RAYPHER_SETUP_FILE);
  console.log(JSON.stringify(answer));
} catch (error) {
  if (!(error instanceof RaypherError)) throw error;
  console.error(error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
  process.exitCode = error.exitCode;
}
