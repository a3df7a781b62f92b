// What uploads compute: the name on the wire, the speed, and what comes after a failure.

/** UTF-8 in Base64, as `Upload-Metadata` has it. */
export function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}

/** The path of an upload, relative to the page, from the `Location` that the server says. */
export function uploadPath(location: string): string | null {
  const id = location.split('?')[0]?.split('/').filter((part) => part !== '').at(-1);
  return id === undefined ? null : `api/v1/uploads/${id}`;
}

/** A speed says something after so many milliseconds, and is that of the last ones. */
const [EARLIEST, WINDOW] = [1000, 10_000];

export class Speed {
  #points: { at: number; bytes: number }[] = [];

  add(at: number, bytes: number): void {
    this.#points.push({ at, bytes });
    while (this.#points.length > 2 && (this.#points[1]?.at ?? at) < at - WINDOW) this.#points.shift();
  }

  /** Bytes a second; null where it is not known yet. */
  get value(): number | null {
    const [first, last] = [this.#points[0], this.#points.at(-1)];
    if (!first || !last || last.at - first.at < EARLIEST || last.bytes <= first.bytes) return null;
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
  }
}

export type Next = 'again' | 'anew' | 'sign in' | 'refused';

/** What comes after an answer that is no success: trying again later, beginning anew, signing in, or nothing. */
export function afterFailure(status: number, code: string): Next {
  if (status === 401) return 'sign in';
  if (status === 404 || status === 410) return 'anew';
  // The server is there, and what it says changes only when a person does something.
  if (status === 507 || status === 413 || status === 403 || status === 412 || status === 415) return 'refused';
  // The bytes that came are kept.
  if (status === 400 && code !== 'broken') return 'refused';
  return 'again';
}

/** Milliseconds before a try, after so many failures in a row. */
export const pauseAfter = (failures: number) => Math.min(15_000, 500 * 2 ** Math.max(0, failures - 1));

/** A file as it is recognised after the page was loaded again. */
export interface Remembered {
  url: string;
  name: string;
  size: number;
  lastModified: number;
  /** It waits for settings when it is whole. */
  isHeld?: boolean;
}

type Named = Pick<Remembered, 'name' | 'size' | 'lastModified'>;

export const isSame = (one: Named, other: Named) =>
  one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;

/** What was stored, without what is not of this form. */
export function remembered(text: string | null): Remembered[] {
  try {
    const all: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(all) ? (all as Partial<Remembered>[]).filter(isRemembered) : [];
  } catch {
    return [];
  }
}

function isRemembered(one: Partial<Remembered> | null): one is Remembered {
  return (
    typeof one?.url === 'string' &&
    /^api\/v1\/uploads\/[\w-]+$/.test(one.url) &&
    typeof one.name === 'string' &&
    typeof one.size === 'number' &&
    typeof one.lastModified === 'number'
  );
}
