/** Marks the lines that are for the host, among all that a console shows. */
export const RECORD_MARK = '\u0002';
