import type { LedgerFault } from '@raypher/shared/rest';

/** The stored log is not what it was: nothing may be added or signed on top of it. */
export class LogFault extends Error {
  override readonly name = 'LogFault';

  constructor(readonly fault: LedgerFault) {
    super(fault.detail);
  }
}
