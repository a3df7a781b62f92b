// The settings of the server: what holds, what is being changed, and what the server says to it.
import { Refused, addModel, changeSettings, listEncoders, listModels, showMachine, showSettings } from '../api/client';
import type { Encoder, Finding, Model, ServerSettings, Setting, SettingsChanged } from '../api/types';
import { changesOf, countOf, withPlaces, type Values } from '../lib/settings';

/** What is wrong, by its key. */
function mistakesOf(error: Error): Record<string, string> {
  if (!(error instanceof Refused)) return { '': error.message };
  if (error.errors.length > 0) return Object.fromEntries(error.errors.map(({ key, detail }) => [key ?? '', detail]));
  return { [error.key ?? '']: error.message };
}

/** A model that is being added, or was refused. */
export interface NewModel {
  name: string;
  why: string | null;
}

export class Settings {
  server = $state.raw<ServerSettings | null>(null);
  /** The file as it is to be. */
  draft = $state.raw<Values>({});
  /** Why it could not be read. */
  error = $state<string | null>(null);
  /** What is wrong, by its key; that of no field has an empty one. */
  mistakes = $state.raw<Record<string, string>>({});
  /** The file was changed by another hand. */
  isOutdated = $state(false);
  isBusy = $state(false);
  models = $state.raw<readonly Model[] | null>(null);
  encoders = $state.raw<readonly Encoder[] | null>(null);
  findings = $state.raw<readonly Finding[] | null>(null);
  /** Why it is not known what the machine has. */
  machineError = $state<string | null>(null);
  /** Models that are on their way, and those that were refused. */
  newModels = $state.raw<readonly NewModel[]>([]);
  #before: Values = {};

  get changes(): Values {
    return this.server === null ? {} : changesOf(this.#before, this.draft);
  }

  get unsaved(): number {
    return countOf(this.changes);
  }

  setting(key: string): Setting | undefined {
    return this.server?.settings.find((one) => one.key === key);
  }

  /** Reads what holds; unsaved changes stay, where they are of the same file. */
  async open(): Promise<void> {
    void this.look();
    try {
      const server = await showSettings();
      this.error = null;
      if (this.server === null || this.unsaved === 0) this.#take(server);
      else if (server.version === this.server.version) this.server = server;
      else this.isOutdated = true;
    } catch (error) {
      this.error = (error as Error).message;
    }
  }

  /** Reads the file anew, and forgets what is not saved. */
  async again(): Promise<void> {
    this.discard();
    await this.open();
  }

  discard(): void {
    this.draft = this.#before;
    this.mistakes = {};
    this.isOutdated = false;
  }

  /** Lets the changes hold; null where they do not. */
  async save(): Promise<SettingsChanged | null> {
    if (this.server === null || this.isBusy) return null;
    this.isBusy = true;
    this.mistakes = {};
    try {
      const changed = await changeSettings(this.server.version, this.changes);
      this.#take(changed.settings);
      return changed;
    } catch (error) {
      if (error instanceof Refused && error.code === 'other_version') this.isOutdated = true;
      else this.mistakes = mistakesOf(error as Error);
      return null;
    } finally {
      this.isBusy = false;
    }
  }

  #take(server: ServerSettings): void {
    this.server = server;
    this.#before = withPlaces(server.file, server.webhooks);
    this.draft = this.#before;
    this.mistakes = {};
    this.isOutdated = false;
  }

  /** Adds models, one after the other; gives the names of those that are there now. */
  async addModels(files: readonly File[]): Promise<string[]> {
    const added: string[] = [];
    const others = (name: string) => this.newModels.filter((one) => one.name !== name);
    for (const { name } of files) this.newModels = [...others(name), { name, why: null }];
    for (const file of files) {
      try {
        const model = await addModel(file);
        added.push(model.name);
        this.newModels = others(file.name);
      } catch (error) {
        this.newModels = [...others(file.name), { name: file.name, why: (error as Error).message }];
      }
    }
    if (added.length > 0) await listModels().then((models) => (this.models = models), () => undefined);
    return added;
  }

  /** Asks what the machine has; without it, names are typed. */
  async look(): Promise<void> {
    this.machineError = null;
    const failed = (error: unknown) => (this.machineError = (error as Error).message);
    await Promise.all([
      listModels().then((models) => (this.models = models), failed),
      listEncoders().then((encoders) => (this.encoders = encoders), failed),
      showMachine().then((findings) => (this.findings = findings), failed),
    ]);
  }
}
