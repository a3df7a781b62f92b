// Small pictures of films, as rows come into view. The server makes each in a process of its own, so they are asked for one at a time.
import { thumbnailAddress } from '../api/client';

/** Pictures that are kept, of a few kilobytes each. */
const MOST = 300;
/** Times that a server is asked that is busy with other pictures. */
const MOST_TRIES = 3;
/** Most milliseconds until it is asked again. */
const LONGEST_PAUSE = 10_000;

type Show = (address: string | null) => void;

/** Addresses of pictures by their jobs; of none where there is no picture. The one that was asked for last is at the end. */
const kept = new Map<number, string | null>();
const wanted: { id: number; show: Show; tries: number }[] = [];
let isAsking = false;

/** Shows the picture of a job, now or later; gives what ends the wish. */
export function want(id: number, show: Show): () => void {
  const known = kept.get(id);
  if (known !== undefined) {
    show(known);
    return () => undefined;
  }
  const one = { id, show, tries: 0 };
  wanted.push(one);
  void go();
  return () => {
    const at = wanted.indexOf(one);
    if (at >= 0) wanted.splice(at, 1);
  };
}

async function go(): Promise<void> {
  if (isAsking) return;
  isAsking = true;
  // What came into view last is what a person looks at.
  for (let one = wanted.pop(); one !== undefined; one = wanted.pop()) {
    const answer = kept.get(one.id) ?? (await ask(one.id));
    if (typeof answer === 'number') {
      one.tries += 1;
      if (one.tries < MOST_TRIES) wanted.unshift(one);
      await new Promise((resolve) => setTimeout(resolve, answer));
    } else {
      keep(one.id, answer);
      one.show(answer);
    }
  }
  isAsking = false;
}

/** The address of a picture, none, or the milliseconds until the server is to be asked again. */
async function ask(id: number): Promise<string | null | number> {
  try {
    const response = await fetch(thumbnailAddress(id));
    if (response.ok) return URL.createObjectURL(await response.blob());
    if (response.status !== 503) return null;
    return Math.min(LONGEST_PAUSE, 1000 * Number(response.headers.get('retry-after') ?? 1));
  } catch {
    // The line to the server says that it is not there.
    return LONGEST_PAUSE;
  }
}

function keep(id: number, address: string | null): void {
  kept.set(id, address);
  for (const [old, gone] of kept) {
    if (kept.size <= MOST) break;
    kept.delete(old);
    if (gone !== null) URL.revokeObjectURL(gone);
  }
}
