import { RaypherError } from '@raypher/shared';
import { prepareDatabase } from './tenancy/prepare-database.ts';

try {
  console.log(JSON.stringify(await prepareDatabase(process.env)));
} catch (error) {
  if (!(error instanceof RaypherError)) throw error;
  console.error(error.hint === undefined ? error.message : `${error.message}\n${error.hint}`);
  process.exitCode = error.exitCode;
}
