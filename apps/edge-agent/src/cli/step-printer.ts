import type { ReportStep, Step } from '../setup/step.ts';

const MARKS: Record<Step['state'], string> = { done: '✓', unchanged: '=', kept: '·', unavailable: '!' };

/** Prints steps as they happen: lines for people, or one JSON object per line. */
export function stepPrinter(json: boolean): ReportStep {
  return (step) => {
    const line = json ? JSON.stringify(step) : `${MARKS[step.state]} ${step.step.padEnd(10)} ${step.detail}`;
    process.stdout.write(`${line}\n`);
  };
}
