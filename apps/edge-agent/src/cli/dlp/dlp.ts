import { Command } from 'commander';
import { scanTextCommand } from './scan-text.ts';

export const dlpCommand = new Command('dlp')
  .description('try out what is found in data that goes to models')
  .addCommand(scanTextCommand);
