// The API over HTTP. All addresses are relative, so that the page works below any path of a proxy.
import { words } from '../words';
import type {
  Action,
  CreatedToken,
  Details,
  Encoder,
  Estimate,
  Finding,
  FolderPage,
  JobPage,
  JobSettings,
  LogLine,
  LogPage,
  Mistake,
  Model,
  NewJob,
  Outcome,
  Parts,
  Position,
  Preview,
  Priority,
  Problem,
  Report,
  Scope,
  Segment,
  ServerSettings,
  Session,
  SettingsChanged,
  System,
  Token,
  UploadOnServer,
  Video,
  WebhookTested,
} from './types';

export const BASE = 'api/v1';
/** A request without an answer for so long has failed. */
const PATIENCE = 15_000;
/** What the server makes of a video takes longer, most of all beside a job that runs. */
const LONG_PATIENCE = 20 * 60_000;

/** The server did not answer, or something between it and the browser did in its place. */
export class NoAnswer extends Error {}

/** The server refused. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  /** Seconds after which it can be tried again. */
  readonly retryAfter: number | null;
  /** The job that stands against it, where there is one. */
  readonly job: number | null;
  /** The setting that is wrong, where it is one; of several, the first. */
  readonly key: string | null;
  /** All settings that are wrong. */
  readonly errors: readonly Mistake[];

  constructor(
    status: number,
    code: string,
    detail: string,
    retryAfter: number | null = null,
    job: number | null = null,
    key: string | null = null,
    errors: readonly Mistake[] = [],
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.job = job;
    this.key = key;
    this.errors = errors;
  }

  /** Nothing is answered before signing in. */
  get needsSignIn(): boolean {
    return this.status === 401 && this.code === 'sign_in_needed';
  }
}

let tellSignIn: () => void = () => undefined;
/** `tell` is called when an answer says that nothing is answered before signing in. */
export function whenSignInNeeded(tell: () => void): void {
  tellSignIn = tell;
}

/** The refusal that an answer is; null for an answer that is not the server's own. */
export function refusal(status: number, body: unknown, retryAfter: string | null): Refused | null {
  const problem = body as Partial<Problem> | undefined;
  if (typeof problem?.detail !== 'string') return null;
  const seconds = Number(retryAfter ?? '');
  const refused = new Refused(status, problem.code ?? '', problem.detail, seconds > 0 ? seconds : null, problem.job ?? null, problem.key ?? null, problem.errors ?? []);
  if (refused.needsSignIn) tellSignIn();
  return refused;
}

async function ask<T>(path: string, init: RequestInit = {}, signal?: AbortSignal, milliseconds = PATIENCE): Promise<T> {
  return (await answer<T>(path, init, signal, milliseconds)).body;
}

async function answer<T>(path: string, init: RequestInit, signal: AbortSignal | undefined, milliseconds: number): Promise<{ status: number; body: T }> {
  const patience = AbortSignal.timeout(milliseconds);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`${BASE}/${path}`, { ...init, signal: signal ? AbortSignal.any([signal, patience]) : patience });
    const text = await response.text();
    body = text === '' ? undefined : JSON.parse(text);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new NoAnswer(words.problem.noAnswer);
  }
  if (response.ok) return { status: response.status, body: body as T };
  throw refusal(response.status, body, response.headers.get('retry-after')) ?? new NoAnswer(words.problem.status(response.status));
}

function send<T>(method: 'POST' | 'PUT', path: string, body: unknown): Promise<T> {
  return ask<T>(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

export interface ListQuery {
  state: string;
  search?: string;
  limit: number;
  after?: string;
}

export function listJobs(query: ListQuery, signal?: AbortSignal): Promise<JobPage> {
  const parameters = new URLSearchParams({ state: query.state, limit: String(query.limit) });
  if (query.search) parameters.set('search', query.search);
  if (query.after) parameters.set('after', query.after);
  return ask<JobPage>(`jobs?${parameters}`, {}, signal);
}

export type Side = 'source' | 'result';

/** Where the small picture of a job's source is. */
export const thumbnailAddress = (id: number) => `${BASE}/jobs/${id}/thumbnail`;

/** Where a frame of a job is, before or after. */
export const frameAddress = (id: number, frame: number, side: Side) => `${BASE}/jobs/${id}/frames/${frame}/${side}`;

export const showJob = (id: number, signal?: AbortSignal) => ask<Details>(`jobs/${id}`, {}, signal);
export const showReport = (id: number, signal?: AbortSignal) => ask<Report>(`jobs/${id}/report`, {}, signal);
export const showSystem = (signal?: AbortSignal) => ask<System>('system', {}, signal);

export async function segmentsOf(id: number, from: number, limit: number, signal?: AbortSignal): Promise<Segment[]> {
  return (await ask<{ segments: Segment[] }>(`jobs/${id}/segments?from=${from}&limit=${limit}`, {}, signal)).segments;
}

/** What of a job can be played while the rest is made. */
export const partsOf = (id: number, from: number, signal?: AbortSignal) => ask<Parts>(`jobs/${id}/parts?from=${from}`, {}, signal);

/** A finished segment, as a file that browsers play. It may take a moment to make. */
export async function readPart(id: number, segment: number, signal: AbortSignal): Promise<ArrayBuffer> {
  const response = await fetch(`${BASE}/jobs/${id}/parts/${segment}`, { signal });
  if (response.ok) return response.arrayBuffer();
  const body: unknown = await response.json().catch(() => undefined);
  throw refusal(response.status, body, response.headers.get('retry-after')) ?? new NoAnswer(words.problem.status(response.status));
}

/** Jobs that one request may name. */
const MOST_AT_ONCE = 1000;

export async function act(action: Action, ids: readonly number[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let at = 0; at < ids.length; at += MOST_AT_ONCE) {
    const numbers = ids.slice(at, at + MOST_AT_ONCE);
    outcomes.push(...(await send<{ outcomes: Outcome[] }>('POST', 'jobs/actions', { action, jobs: { numbers } })).outcomes);
  }
  return outcomes;
}

export async function actOnAll(action: Action): Promise<Outcome[]> {
  return (await send<{ outcomes: Outcome[] }>('POST', 'jobs/actions', { action, jobs: 'all' })).outcomes;
}

export async function setPriority(id: number, priority: Priority): Promise<Outcome[]> {
  return (await send<{ outcomes: Outcome[] }>('PUT', `jobs/${id}/priority`, { priority })).outcomes;
}

export const setPosition = (id: number, to: Position) => send<undefined>('PUT', `jobs/${id}/position`, { to });

export const showSession = () => ask<Session>('session');
export const signIn = (password: string) => send<Session>('POST', 'session', { password });
export const signOut = () => ask<undefined>('session', { method: 'DELETE' });
export const setPassword = (password: string, current: string | null) =>
  send<Session>('POST', 'owner/password', current === null ? { password } : { password, current });

export const listTokens = async (): Promise<Token[]> => (await ask<{ tokens: Token[] }>('tokens')).tokens;
export const createToken = (name: string, scope: Scope) => send<CreatedToken>('POST', 'tokens', { name, scopes: [scope] });
export const revokeToken = (name: string) => ask<undefined>(`tokens/${encodeURIComponent(name)}`, { method: 'DELETE' });

export type LogLevel = LogLine['level'];

/** The last lines of the log, or those behind a number. */
export function readLog(level: LogLevel, after: number | null, signal: AbortSignal): Promise<LogPage> {
  const query = new URLSearchParams({ level, limit: '500' });
  if (after !== null) query.set('after', String(after));
  return ask<LogPage>(`log?${query}`, {}, signal);
}

export const goOn = () => ask<{ was: string | null }>('system/go-on', { method: 'POST' });
/** Keeps to the schedule again. */
export const holdAgain = () => ask<{ paused: string | null }>('system/go-on', { method: 'DELETE' });
/** Sends a test to a webhook by its number, from 1 on. */
export const testWebhook = (number: number) => ask<WebhookTested>(`settings/webhooks/${number}/test`, { method: 'POST' }, undefined, 2 * 60_000);
export const showSettings = () => ask<ServerSettings>('settings');
/** Changes settings for the version of the file that was read; encoders are tried for it. */
export const changeSettings = (version: string, changes: Record<string, unknown>) =>
  ask<SettingsChanged>(
    'settings',
    { method: 'PATCH', headers: { 'content-type': 'application/json', 'if-match': `"${version}"` }, body: JSON.stringify(changes) },
    undefined,
    2 * 60_000,
  );

/** Where the video is that a job is made of. */
export const sourceAddress = (id: number) => `${BASE}/jobs/${id}/source`;
/** Why the source of a job is not handed out; null where it is. */
export async function whyNoSource(id: number): Promise<string | null> {
  const signal = AbortSignal.timeout(PATIENCE);
  const response = await fetch(sourceAddress(id), { headers: { range: 'bytes=0-0' }, signal });
  if (response.ok) return null;
  const problem = refusal(response.status, await response.json().catch(() => undefined), null);
  return problem?.message ?? words.problem.status(response.status);
}
export const resultAddress = (id: number) => `${BASE}/jobs/${id}/result`;
export const reportAddress = (id: number) => `${BASE}/jobs/${id}/report`;
export const eventsAddress = (after: number | null) => (after === null ? `${BASE}/events` : `${BASE}/events?after=${after}`);

/** A video: a file below the folder of the server, or an upload that waits for a decision. */
export type Source = { file: string } | { upload: string };

export function listFolder(folder: string, after: string | null, signal?: AbortSignal): Promise<FolderPage> {
  const parameters = new URLSearchParams({ folder });
  if (after !== null) parameters.set('after', after);
  return ask<FolderPage>(`files?${parameters}`, {}, signal);
}

export const showVideo = (source: Source, signal?: AbortSignal) =>
  ask<Video>(`files/video?${new URLSearchParams(source)}`, {}, signal, LONG_PATIENCE);

/** Where the frame of a video is that is shown at a time, found fast. */
export const momentAddress = (source: Source, at: number) =>
  `${BASE}/files/frame?${new URLSearchParams({ ...source, at: at.toFixed(3), width: '1280' })}`;

export const listModels = async (): Promise<Model[]> => (await ask<{ models: Model[] }>('models', {}, undefined, LONG_PATIENCE)).models;
/** Adds a model, which a worker reads first. */
export const addModel = (file: File) => ask<Model>(`models/${encodeURIComponent(file.name)}`, { method: 'POST', body: file }, undefined, LONG_PATIENCE);
export const listEncoders = async (): Promise<Encoder[]> =>
  (await ask<{ encoders: Encoder[] }>('encoders', {}, undefined, LONG_PATIENCE)).encoders;
export const showMachine = async (): Promise<Finding[]> =>
  (await ask<{ findings: Finding[] }>('machine', {}, undefined, LONG_PATIENCE)).findings;
export const listUploads = async (): Promise<UploadOnServer[]> => (await ask<{ uploads: UploadOnServer[] }>('uploads')).uploads;

const json = (body: unknown): RequestInit => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

export const makePreview = (body: Source & { at: number; choices: JobSettings[]; before: boolean }, signal: AbortSignal) =>
  ask<Preview>('previews', json(body), signal, LONG_PATIENCE);
export const makeEstimate = (body: Source & { settings: JobSettings }, signal: AbortSignal) =>
  ask<Estimate>('estimates', json(body), signal, LONG_PATIENCE);

/** A picture of a preview, relative to the page, as it is given by the server. */
export const previewAddress = (href: string) => href.replace(/^\/+/, '');

/** Makes a job; `isNew` is false where it was there. A request of the same key is answered once. */
export async function createJob(body: NewJob, key: string): Promise<{ job: Details; isNew: boolean }> {
  const init = json(body);
  const headers = { ...(init.headers as Record<string, string>), 'idempotency-key': key };
  const made = await answer<Details>('jobs', { ...init, headers }, undefined, 2 * 60_000);
  return { job: made.body, isNew: made.status === 201 };
}
