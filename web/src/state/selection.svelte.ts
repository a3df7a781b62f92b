// The jobs that are selected. No update of the list changes that.

export class Selection {
  ids = $state.raw<ReadonlySet<number>>(new Set());
  /** The one that was selected last, where a range begins. */
  last: number | null = null;

  has(id: number): boolean {
    return this.ids.has(id);
  }

  set(ids: readonly number[], isOn: boolean): void {
    const all = new Set(this.ids);
    for (const id of ids) {
      if (isOn) all.add(id);
      else all.delete(id);
    }
    this.ids = all;
    this.last = ids.at(-1) ?? this.last;
  }

  clear(): void {
    this.ids = new Set();
    this.last = null;
  }
}
