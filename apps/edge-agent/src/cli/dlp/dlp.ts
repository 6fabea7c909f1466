import { Command } from 'commander';
import { scanTextCommand } from './scan-text.ts';

export const dlpCommand = new Command('dlp').addCommand(scanTextCommand);
