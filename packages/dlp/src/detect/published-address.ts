/**
 * Addresses that were published on purpose and name nobody in private: role mailboxes (RFC 2142), mailing lists, bots,
 * and authors where they sign a work: manifests, copyright lines, trailers of commits. An agent that reads any
 * repository meets hundreds of them; found as contact data they would drown what matters.
 */
const ROLE =
  /^(?:[\w.-]+\+)?(?:abuse|security|secure|psirt|cert|vulnerability|vulnerabilities|postmaster|hostmaster|webmaster|noc|support|help|helpdesk|sales|marketing|press|legal|privacy|dpo|compliance|conduct|coc|code-?of-?conduct|open-?source|oss|maintainers?|team|community|contributors|developers|devel|dev|packages|licensing|trademarks?|feedback|bugs?|issues|contact|contactus|hello|admin|administrator|bot|robot|ci|builds?|automation|renovate|dependabot|github-actions|subscribe|unsubscribe|mailer)(?:\+[\w.-]+)?@/i;
const LIST =
  /^[\w.+-]+-(?:users?|devel|dev|discuss|announce|lists?|maintainers?|security|bugs?|commits?|subscribe|unsubscribe|owner|request|team|bot|info|help|support|people|pkg)@|^([\w-]{3,})@(?:[\w-]+\.)*\1\.\w+$|^bug-[\w.+-]+@|@(?:[\w-]+\.)*(?:lists?\.[\w.-]+|googlegroups\.com|groups\.io|vger\.kernel\.org|(?:bugs|packages)\.debian\.org)$/i;
/** Mailboxes of nobody, and names that examples give to whoever uses the domains of examples. */
const STAND_IN =
  /^(?:tests?|tester|test[-._]?user|foo|bar|baz|foobar|someone|somebody|anyone|you|your[-_.]?(?:name|e?mail|user)|first[-_.]?(?:name)?[._-]?last(?:[-_.]?name)?|placeholder|dummy|fake|x{3,})\d{0,4}@|^[a-z]{1,2}@[a-z]{1,2}\.(?:com|org|net|co|io)$|@emaildomain\.com$|^(?:alice|bob|carol|charlie|dave|eve|mallory|user[-_.]?\d{0,4}|[a-z]{1,3}|admin|info|john|jane|name|username|employee|customer)@(?:(?:my|your|our|some|the|any|a|other|another)?[-_]?(?:company|corp|org|organi[sz]ation|domain|site|business|acme|contoso|fabrikam|foo|bar|baz|test|abc|xyz))\.(?:com|org|net|io|co|de|dev|edu|corp|ai)$/i;

/** What stands before the names of those who sign a work. */
const SIGNED =
  /copyright|\(c\)\s{0,3}\d{4}|©|author(?:s|ed)?(?![a-z])|contributors?\b|contributed by|maintain(?:er|ed by)|committers?\b|packagers?\b|debiani[sz]ed|(?:written|modified|ported|packaged|translated) by|modifications by|translators?\b|upstream[- ]contact|(?:signed-off|co-authored|reviewed|acked|tested|reported|suggested|helped|co-developed)-by|codeowners|uploaders?:|^\s{0,12}(?:#|\*|\/\/|--|;|%|")[^\n]{0,60}\bby\b[^\n]{0,60}$|^\s{0,40}(?:#|\*)?\s{0,4}(?:(?:19|20)\d{2}(?:-(?:(?:19|20)\d{2}|\d{1,2}))?,?\s{1,8}){1,9}[^\n@]{2,60}[<(]$|github\.com\/[\w-]{1,40}\)[^\n]{0,20}\n?[^\n]{0,60}$/im;
/** Where a project says to whom reports go: covenants for contributors, security policies. */
const REPORT =
  /(?:enforcement|project team|community leaders) at\s{1,3}[<[(*_`]{0,3}$|vulnerabilit|mail(?:ing)?[- ]lists?\b|security (?:issue|bug|report|flaw|problem|contact|polic)|code of conduct|unacceptable behavio/i;
/** A login in a URL (RFC 3986 §3.2.1) or on a command line, and a path on another machine, are no mailboxes. */
const LOGIN = /\/\/(?:[^\s/@]{0,64}:)?$|\b(?:ssh|scp|sftp|rsync|mosh|autossh|ssh-copy-id)\s[^\n]{0,60}$/;
const REMOTE_PATH = /^:[~/\w.-]/;
/** Ids of messages are written like addresses (RFC 5322 §3.6.4). */
const MESSAGE_ID =
  /(?:message-id|in-reply-to|references|content-id)["']?\s{0,2}[:=]\s{0,2}["']?(?:<[^<>\s]{1,200}>\s{0,4}){0,2}<?$/i;
/** One entry of `git log`. */
const COMMIT = /(?:^|\n)commit [0-9a-f]{40}\b/;

/** How far before an address those words may stand, UTF-16 units. */
const REACH = 200;
const COMMIT_REACH = 2_000;
/** In a list the next address is at most so far behind the one before it. */
const NEXT_IN_LIST = 160;
const OPENS = /[<("'[]|mailto:/;

/** Tells the published addresses of one text from others; asked in the order in which they stand. */
export class PublishedAddresses {
  #lastEnd = Number.NEGATIVE_INFINITY;

  /** A new text begins. */
  clear(): void {
    this.#lastEnd = Number.NEGATIVE_INFINITY;
  }

  has(text: string, start: number, end: number): boolean {
    const address = text.slice(start, end);
    if (LOGIN.test(text.slice(Math.max(0, start - 72), start)) || REMOTE_PATH.test(text.slice(end, end + 2)))
      return true;
    if (MESSAGE_ID.test(text.slice(Math.max(0, start - REACH), start))) return true;
    if (ROLE.test(address) || LIST.test(address) || STAND_IN.test(address)) return true;
    const signed = this.#isNextInList(text, start) || isSigned(text, start);
    if (signed) this.#lastEnd = end;
    return signed;
  }

  /** `"A <a@…>", "B <b@…>"`: both in brackets or quotes, little more than a name between them. */
  #isNextInList(text: string, start: number): boolean {
    return (
      start - this.#lastEnd <= NEXT_IN_LIST &&
      /[>)"'\]]/.test(text[this.#lastEnd] ?? '') &&
      OPENS.test(text.slice(Math.max(0, start - 7), start))
    );
  }
}

function isSigned(text: string, start: number): boolean {
  const before = text.slice(Math.max(0, start - REACH), start);
  return (
    SIGNED.test(before) ||
    REPORT.test(before) ||
    COMMIT.test(text.slice(Math.max(0, start - COMMIT_REACH), start))
  );
}
