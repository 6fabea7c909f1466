import { Command } from 'commander';
import { checkCommand } from './check.ts';
import { diffCommand } from './diff.ts';
import { explainCommand } from './explain.ts';
import { fingerprintCommand } from './fingerprint.ts';
import { schemaCommand } from './schema.ts';
import { showCommand } from './show.ts';
import { testCommand } from './test.ts';

export const policyCommand = new Command('policy')
  .addCommand(checkCommand)
  .addCommand(testCommand)
  .addCommand(explainCommand)
  .addCommand(diffCommand)
  .addCommand(showCommand)
  .addCommand(schemaCommand)
  .addCommand(fingerprintCommand);
