// What the page tells: notes that are seen, and sentences that are only heard.

/** A note of good news goes by itself after so many milliseconds. */
const SHOWN_FOR = 12_000;

export interface Note {
  id: number;
  kind: 'info' | 'warn' | 'bad';
  text: string;
  undo?: () => void;
}

export class Notes {
  list = $state.raw<readonly Note[]>([]);
  /** The latest sentence for screen readers. */
  said = $state('');
  #last = 0;

  add(note: Omit<Note, 'id'>): void {
    const id = (this.#last += 1);
    this.list = [...this.list.filter((one) => one.text !== note.text), { ...note, id }].slice(-3);
    this.say(note.text);
    if (note.kind === 'info') setTimeout(() => this.remove(id), SHOWN_FOR);
  }

  remove(id: number): void {
    this.list = this.list.filter((note) => note.id !== id);
  }

  say(text: string): void {
    // The same sentence twice is heard twice.
    this.said = this.said === text ? `${text}\u00a0` : text;
  }
}
