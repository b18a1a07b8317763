import type { Message, Session } from './types.ts';

/** Messages kept of one session: ten questions with their answers. */
const MAX_HISTORY = 20;

/** Sessions by id; the one unused for longest goes first when there are too many. */
export class SessionStore {
  readonly #sessions = new Map<string, Session>();
  readonly #maxSessions: number;

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** The session of that id, new if unknown; marks it as just used. */
  open(id: string): Session {
    const session = this.#sessions.get(id) ?? {
      id,
      history: [],
      workspace: { pages: new Map(), documents: new Map(), index: undefined },
    };
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    if (this.#sessions.size > this.#maxSessions) {
      const oldest = this.#sessions.keys().next();
      if (!oldest.done) this.#sessions.delete(oldest.value);
    }
    return session;
  }
}

/** Adds a question and its answer; the oldest messages make room. */
export function remember(session: Session, question: string, answer: string): void {
  const messages: Message[] = [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ];
  session.history.push(...messages);
  session.history.splice(0, session.history.length - MAX_HISTORY);
}
