// Who the page is to the server: whether it has to sign in first, and signing in and out.
import { NoAnswer, Refused, setPassword, showSession, signIn, signOut, whenSignInNeeded } from '../api/client';
import type { Session } from '../api/types';

export class Access {
  session = $state.raw<Session | null>(null);
  /** Nothing is answered before signing in. */
  isLocked = $state(false);
  readonly #opened: () => void;
  readonly #locked: () => void;

  /** `opened` is called when the server answers again after signing in, `locked` when it does not any more. */
  constructor(opened: () => void, locked: () => void) {
    this.#opened = opened;
    this.#locked = locked;
    whenSignInNeeded(() => {
      if (!this.isLocked) void this.look();
    });
  }

  /** Asks the server anew. */
  async look(): Promise<void> {
    try {
      this.#take(await showSession());
    } catch (error) {
      // The line tells of a server that does not answer.
      if (!(error instanceof NoAnswer || error instanceof Refused)) throw error;
    }
  }

  async signIn(password: string): Promise<void> {
    this.#take(await signIn(password));
  }

  async signOut(): Promise<void> {
    await signOut();
    this.#take(await showSession());
  }

  async setPassword(password: string, current: string | null): Promise<void> {
    this.#take(await setPassword(password, current));
  }

  #take(session: Session): void {
    const wasLocked = this.isLocked;
    this.session = session;
    this.isLocked = session.needs_password;
    if (wasLocked && !this.isLocked) this.#opened();
    if (!wasLocked && this.isLocked) this.#locked();
  }
}
