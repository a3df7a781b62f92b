// The owner's password, sessions and tokens of the made-up server.
import type { IncomingMessage } from 'node:http';
import type { Scope, Session, Token } from '../src/api/types';

export interface Answer {
  status: number;
  code?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** More members of a problem. */
  more?: object;
}

const SCOPES: Scope[] = ['read', 'control', 'admin'];

export class Access {
  password: string | null = null;
  isLocal = true;
  /** Seconds to wait, where there were too many wrong passwords. */
  wait = 0;
  sessions = new Set<string>();
  tokens: Token[] = [];

  session(request: IncomingMessage): Session {
    const cookie = /upscaled_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    const signed_in = this.sessions.has(cookie);
    const needs_password = !signed_in && !(this.password === null && this.isLocal);
    return { signed_in, needs_password, password_set: this.password !== null, scopes: needs_password ? [] : SCOPES };
  }

  #begin(): Answer {
    const secret = `s${Math.random().toString(36).slice(2)}`;
    this.sessions.add(secret);
    const body: Session = { signed_in: true, needs_password: false, password_set: true, scopes: SCOPES };
    return { status: 200, body, headers: { 'set-cookie': `upscaled_session=${secret}; Path=/; HttpOnly; SameSite=Strict` } };
  }

  #compared(password: string | undefined): Answer | null {
    if (this.password === null) return { status: 409, code: 'no_password', body: 'no password is set' };
    if (this.wait > 0) {
      const detail = `there were too many wrong passwords; try again in ${this.wait} s`;
      const answer = { status: 429, code: 'too_many_attempts', body: detail, headers: { 'retry-after': String(this.wait) } };
      this.wait = 0;
      return answer;
    }
    return password === this.password ? null : { status: 401, code: 'wrong_password', body: 'this is not the password of the owner' };
  }

  /** Sessions: who the client is, signing in and signing out. */
  signIn(method: string, request: IncomingMessage, body: unknown): Answer {
    if (method === 'GET') return { status: 200, body: this.session(request) };
    if (method === 'POST') return this.#compared((body as { password: string }).password) ?? this.#begin();
    const cookie = /upscaled_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    this.sessions.delete(cookie);
    return { status: 204, headers: { 'set-cookie': 'upscaled_session=; Path=/; Max-Age=0' } };
  }

  setPassword(body: unknown): Answer {
    const { password, current } = body as { password: string; current?: string };
    if (this.password !== null) {
      const refused = this.#compared(current);
      if (refused) return refused;
    }
    this.password = password;
    this.sessions.clear();
    return this.#begin();
  }

  tokensAt(method: string, name: string | undefined, body: unknown): Answer {
    if (method === 'GET') return { status: 200, body: { tokens: this.tokens } };
    if (method === 'DELETE') {
      this.tokens = this.tokens.filter((token) => token.name !== decodeURIComponent(name ?? ''));
      return { status: 204 };
    }
    const wanted = body as { name: string; scopes: Scope[] };
    if (this.tokens.some((token) => token.name === wanted.name)) {
      return { status: 409, code: 'token_exists', body: `there is a token ${wanted.name} already` };
    }
    const token: Token = { ...wanted, created: new Date().toISOString(), last_used: null };
    this.tokens.push(token);
    return { status: 201, body: { secret: 'ups_7fQ2mXw9KzR4tYb8LcN6vHd3', token } };
  }
}
