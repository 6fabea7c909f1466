/** Different questions that one subject may have open. */
const MOST_PER_SUBJECT = 4;
/** Questions that one AI agent or process may have open, and may newly ask within a minute: people stop reading. */
const MOST_PER_ACTOR = 16;
const MOST_PER_MINUTE = 30;
/** Questions of the whole machine. */
const MOST_OPEN = 64;
/** Requests that wait for the answer to one question. */
const MOST_WAITING = 32;
const MINUTE_MS = 60_000;

export interface OpenQuestion {
  readonly subject: string;
  readonly actor: string;
}

/** Says when there are too many questions, so that neither memory nor the patience of people runs out. */
export class FloodGate {
  /** When the newest questions were asked, of any actor: at most {@link MOST_PER_MINUTE} × actors with open ones. */
  #asked: { actor: string; at: number }[] = [];

  /**
   * Counts a new question.
   *
   * @param now milliseconds of a clock that nobody sets
   * @returns why it cannot be asked, undefined when it can
   */
  admit(question: OpenQuestion, open: Iterable<OpenQuestion>, now: number): string | undefined {
    let [all, ofSubject, ofActor] = [0, 0, 0];
    for (const { subject, actor } of open) {
      all += 1;
      if (subject === question.subject) ofSubject += 1;
      if (actor === question.actor) ofActor += 1;
    }
    if (all >= MOST_OPEN) return `No person is asked: ${MOST_OPEN} questions of this machine wait already.`;
    if (ofSubject >= MOST_PER_SUBJECT) {
      return `No person is asked: ${MOST_PER_SUBJECT} questions of this process about the same wait already.`;
    }
    if (ofActor >= MOST_PER_ACTOR) {
      return `No person is asked: ${MOST_PER_ACTOR} questions of this AI agent wait already.`;
    }
    this.#asked = this.#asked.filter(({ at }) => now - at < MINUTE_MS);
    const lately = this.#asked.filter(({ actor }) => actor === question.actor).length;
    if (lately >= MOST_PER_MINUTE || this.#asked.length >= MOST_PER_MINUTE * 8) {
      return `No person is asked: there were ${lately >= MOST_PER_MINUTE ? lately : this.#asked.length} questions within a minute.`;
    }
    this.#asked.push({ actor: question.actor, at: now });
    return undefined;
  }

  /** @returns why one more request cannot wait for the same answer */
  join(waiting: number): string | undefined {
    return waiting < MOST_WAITING
      ? undefined
      : `Not asked again: ${MOST_WAITING} identical requests wait for the answer already.`;
  }
}
