// The uploads of the made-up server: tus 1.0.0, as far as the page uses it.
import type { IncomingMessage, ServerResponse } from 'node:http';

interface Kept {
  name: string;
  length: number;
  bytes: Buffer[];
  result: string | null;
  isHeld: boolean;
}

type Tell = (status: number, code: string, detail: string) => void;

export class Uploads {
  kept = new Map<string, Kept>();
  /** A request takes so many bytes and then nothing more: null for all of them. */
  hold: number | null = null;
  /** The next request breaks after so many bytes. */
  cut: number | null = null;
  isFull = false;
  /** Bytes of all requests that came. */
  received = 0;
  #held = new Set<IncomingMessage>();

  release(): void {
    this.hold = null;
    for (const one of this.#held) one.destroy();
    this.#held.clear();
  }

  list(): unknown[] {
    const now = new Date().toISOString();
    return [...this.kept].map(([id, one]) => {
      const { name, length, result, isHeld } = one;
      return { id, name, length, offset: size(one), created: now, expires: now, held: isHeld, finished_as: result };
    });
  }

  async answer(id: string | undefined, request: IncomingMessage, response: ServerResponse, tell: Tell): Promise<void> {
    response.setHeader('tus-resumable', '1.0.0');
    if (request.method !== 'GET' && request.headers['tus-resumable'] !== '1.0.0') return tell(412, 'other_version', 'the header Tus-Resumable has to say 1.0.0');
    if (id === undefined && request.method === 'GET') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ uploads: this.list() }));
      return;
    }
    if (id === undefined) return this.#begin(request, response, tell);
    const one = this.kept.get(id);
    if (!one) return tell(404, 'no_upload', 'there is no such upload; begin a new one');
    if (request.method === 'DELETE') this.kept.delete(id);
    if (request.method === 'PATCH') {
      if (this.isFull) return tell(507, 'no_space', 'the disk of the server is full; free some space there, and the upload goes on');
      if (Number(request.headers['upload-offset']) !== size(one)) return tell(409, 'other_offset', `the upload goes on at byte ${size(one)}`);
      if (!(await this.#receive(one, request))) return;
      if (size(one) === one.length && !one.isHeld) one.result = one.name === 'film.mkv' ? 'film (2).mkv' : one.name;
    }
    response.setHeader('upload-offset', String(size(one)));
    if (one.result !== null) response.setHeader('upload-result', encodeURIComponent(one.result));
    response.statusCode = request.method === 'HEAD' ? 200 : 204;
    response.end();
  }

  #begin(request: IncomingMessage, response: ServerResponse, tell: Tell): void {
    const metadata = String(request.headers['upload-metadata']);
    const isHeld = metadata.endsWith(',hold');
    const name = Buffer.from(metadata.replace('filename ', '').replace(',hold', ''), 'base64').toString();
    if (this.isFull) return tell(507, 'no_space', 'the disk of the server has no room for it: 2.1 GB are needed, 1.2 GB are free for uploads; free some space there');
    if (name.startsWith('.')) return tell(400, 'bad_name', 'the file name cannot be used: it begins with a dot');
    const id = `u${this.kept.size + 1}`;
    this.kept.set(id, { name, length: Number(request.headers['upload-length']), bytes: [], result: null, isHeld });
    response.setHeader('location', `/api/v1/uploads/${id}`);
    response.setHeader('upload-offset', '0');
    response.statusCode = 201;
    response.end();
  }

  /** False where the request ends without an answer. */
  async #receive(one: Kept, request: IncomingMessage): Promise<boolean> {
    let [came, cut] = [0, this.cut];
    this.cut = null;
    try {
      for await (const part of request) {
        one.bytes.push(part as Buffer);
        came += (part as Buffer).length;
        this.received += (part as Buffer).length;
        if (cut !== null && came >= cut) {
          request.destroy();
          return false;
        }
        if (this.hold !== null && came >= this.hold) {
          this.#held.add(request);
          await new Promise((closed) => request.once('close', closed));
          return false;
        }
      }
      return true;
    } catch {
      return false;
    }
  }
}

const size = (one: Kept) => one.bytes.reduce((sum, part) => sum + part.length, 0);
