export { memoryReader } from './memory-reader.ts';
export { collectParts, SampleLog, sampleLog } from './sample-log.ts';
export { testSigner, testWitness } from './test-signers.ts';
