// A picture that the server makes on request: it may take a moment, or there may be none.
import { frameAddress, type Side } from '../api/client';
import { words } from '../words';

/** A server that is busy with others' pictures is asked again so often. */
const TRIES = 5;

export class Picture {
  /** What an `img` shows: the latest one, until the next is there. */
  address = $state<string | null>(null);
  /** Why there is none. */
  why = $state<string | null>(null);
  isLoading = $state(false);
  #asking: AbortController | null = null;

  load(job: number, frame: number, side: Side): Promise<void> {
    return this.show(frameAddress(job, frame, side));
  }

  /** Shows what is at an address; what is asked for meanwhile is ended. */
  async show(wanted: string): Promise<void> {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.isLoading = true;
    try {
      const blob = await read(wanted, asking.signal);
      const address = URL.createObjectURL(blob);
      const image = new Image();
      image.src = address;
      await image.decode();
      if (asking.signal.aborted) {
        URL.revokeObjectURL(address);
        return;
      }
      this.#show(address, null);
    } catch (error) {
      if (!asking.signal.aborted) this.#show(null, error instanceof Error ? error.message : String(error));
    } finally {
      if (this.#asking === asking) this.isLoading = false;
    }
  }

  /** Ends what is under way, and lets the picture go. */
  close(): void {
    this.#asking?.abort();
    this.#show(null, null);
  }

  #show(address: string | null, why: string | null): void {
    if (this.address !== null) URL.revokeObjectURL(this.address);
    [this.address, this.why] = [address, why];
  }
}

async function read(address: string, signal: AbortSignal): Promise<Blob> {
  for (let attempt = 1; ; attempt += 1) {
    let response: Response;
    try {
      response = await fetch(address, { signal });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Error(words.problem.noAnswer);
    }
    if (response.ok) return response.blob();
    if (response.status === 503 && attempt < TRIES) {
      const seconds = Number(response.headers.get('retry-after') ?? 2);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      signal.throwIfAborted();
      continue;
    }
    const problem = (await response.json().catch(() => null)) as { detail?: string } | null;
    throw new Error(words.sentence(problem?.detail ?? words.problem.status(response.status)));
  }
}
