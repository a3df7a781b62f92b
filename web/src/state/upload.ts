// The requests of tus 1.0.0, by which a file goes to the server.
import { BASE, NoAnswer, refusal } from '../api/client';
import { base64, uploadPath } from '../lib/transfer';
import { words } from '../words';

/** Bytes of one request: what a server that keeps nothing of a broken request would lose. */
const PIECE = 32_000_000;
/** A request of which nothing moves for so many milliseconds has failed. */
const PATIENCE = 60_000;

/** The browser cannot read the file: it is a folder, or was changed or removed. */
export class Unreadable extends Error {}

/** How far an upload is. */
export interface Standing {
  offset: number;
  /** The name of the file in the input folder, when it is there. */
  result: string | null;
}

interface Answer {
  get(name: string): string | null;
}

interface Request {
  method: 'POST' | 'HEAD' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  body?: Blob;
  progress?: (sent: number) => void;
}

// fetch tells nothing of how much of a body is sent.
function ask({ method, url, headers = {}, body, progress }: Request, signal: AbortSignal): Promise<Answer> {
  return new Promise((answered, failed) => {
    const request = new XMLHttpRequest();
    let timer: ReturnType<typeof setTimeout>;
    const moved = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), PATIENCE);
    };
    const abort = () => request.abort();
    request.open(method, url);
    request.setRequestHeader('tus-resumable', '1.0.0');
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      moved();
      progress?.(event.loaded);
    };
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      const { status } = request;
      if (status >= 200 && status < 300) answered({ get: (name) => request.getResponseHeader(name) });
      else if (signal.aborted) failed(signal.reason as Error);
      else if (status === 0) failed(new NoAnswer(words.problem.noAnswer));
      else failed(refusal(status, problemOf(request), request.getResponseHeader('retry-after')) ?? new NoAnswer(words.problem.status(status)));
    };
    signal.addEventListener('abort', abort);
    moved();
    if (signal.aborted) failed(signal.reason as Error);
    else request.send(body);
  });
}

/** What the server says of a failure; answers to `HEAD` have no body. */
function problemOf(request: XMLHttpRequest): unknown {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return request.getResponseHeader('tus-resumable') === null ? undefined : { detail: words.problem.status(request.status) };
  }
}

function standing(answer: Answer): Standing {
  const offset = Number(answer.get('upload-offset') ?? Number.NaN);
  if (!Number.isSafeInteger(offset) || offset < 0) throw new NoAnswer(words.problem.noAnswer);
  const result = answer.get('upload-result');
  return { offset, result: result === null ? null : decodeURIComponent(result) };
}

// A request with a file that cannot be read looks as one without an answer.
async function read(body: Blob): Promise<void> {
  try {
    await body.slice(0, 1).arrayBuffer();
  } catch {
    throw new Unreadable(words.upload.unreadable);
  }
}

/** Begins an upload, and gives its address. One that is held waits outside the input folder when it is whole. */
export async function begin(file: File, isHeld: boolean, signal: AbortSignal): Promise<string> {
  await read(file);
  const metadata = `filename ${base64(file.name)}${isHeld ? ',hold' : ''}`;
  const headers = { 'upload-length': String(file.size), 'upload-metadata': metadata };
  const answer = await ask({ method: 'POST', url: `${BASE}/uploads`, headers }, signal);
  const path = uploadPath(answer.get('location') ?? '');
  if (path === null) throw new NoAnswer(words.problem.noAnswer);
  return path;
}

export async function look(url: string, signal: AbortSignal): Promise<Standing> {
  return standing(await ask({ method: 'HEAD', url }, signal));
}

/** Sends the next piece. After the last byte it is empty: the file then goes to its place. */
export async function sendPiece(url: string, file: File, offset: number, progress: (sent: number) => void, signal: AbortSignal): Promise<Standing> {
  const body = file.slice(offset, offset + PIECE);
  await read(body);
  const headers = { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) };
  return standing(await ask({ method: 'PATCH', url, headers, body, progress: (sent) => progress(offset + sent) }, signal));
}

export async function giveUp(url: string): Promise<void> {
  await ask({ method: 'DELETE', url }, new AbortController().signal);
}
