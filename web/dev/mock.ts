// A made-up server with the API, for work on the page and for its tests. It is no part of the page.
// POST mock/world/NAME takes another world; mock/offline, mock/online, mock/version/TEXT, mock/slow/MS, mock/stopping, mock/live,
// mock/password/TEXT sets a password and ends all sessions, mock/expire ends them, mock/wait/S makes the next sign-in wait, mock/remote is a
// server that other machines reach.
// mock/hold/BYTES lets uploads stand still after so many, mock/release ends that, mock/cut/BYTES breaks the next one, mock/full and mock/roomy
// are a disk, mock/received/BYTES is 204 where so many came in all.
// mock/previews/MS lets previews take so long, mock/model/NAME lets those with a model fail.
// mock/paused/WHY keeps the server from working, and mock/source/HOW makes the sources of jobs such that no browser plays them (odd) or gone (away).
// mock/log/TEXT writes a line into the log.
// mock/by-hand/WHAT writes the settings file as a person does: fault is one with a mistake.
// mock/break/PART, mock/watched (204 while a page watches), mock/tick, mock/segment, mock/finish and mock/missed change how it behaves and what happens.
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connect, Plugin } from 'vite';
import type { Action, Details, LogLine, NewJob, Outcome, Position, Priority } from '../src/api/types';
import { Access, type Answer } from './access';
import { SettingsFile } from './settings';
import { Uploads } from './uploads';
import { Videos } from './videos';
import { counts, inOrder, kindOf, report, usual, worlds, type World } from './world';

/** What the server of the page sends with it. */
const POLICY =
  "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A log of an hour. */
const usualLog = (): LogLine[] =>
  Array.from({ length: 60 }, (_, at) => ({
    number: at + 1,
    at: new Date(Date.UTC(2026, 10, 28, 13, at)).toISOString(),
    level: at % 20 === 19 ? 'error' : at % 8 === 7 ? 'warn' : 'info',
    text: at % 20 === 19 ? `job 398: failed: frames ${at}00-${at}99 are missing in the damaged file \\u{1b}[2J/srv/upscaled/input/a-name-without-any-blank-${'x'.repeat(90)}.vob` : `job 405: running, ${400 + at} of 754 segments, 4 h ${50 - (at % 50)} min left`,
  }));

class Mock {
  world: World = usual();
  isOffline = false;
  isLive = true;
  slow = 0;
  broken = '';
  /** What is wrong with the sources of jobs. */
  source = '';
  access = new Access();
  uploads = new Uploads();
  videos = new Videos();
  settings = new SettingsFile();
  log = usualLog();
  readonly watching = new Set<ServerResponse>();

  constructor() {
    setInterval(() => this.isLive && this.tick(), 1000).unref();
  }

  send(name: string, data: unknown, id?: number): void {
    for (const one of this.watching) one.write(`event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
  }

  changed(id: number, what: unknown = { changed: {} }): void {
    const number = (this.world.lastEvent += 1);
    this.send('job', { number, job: id, at: new Date().toISOString(), what }, number);
  }

  /** A second of work. */
  tick(): void {
    for (const job of this.world.jobs.values()) {
      if (job.status !== 'running' || job.phase !== 'segments' || !job.frames) continue;
      job.frames_done = Math.min(job.frames, job.frames_done + 4);
      if (job.seconds_left) job.seconds_left -= 1;
      const { id, status, phase, frames, frames_read, frames_done, segments, segments_done, frames_per_second, seconds_left, stalled_seconds, bytes, engine } = job;
      this.send('progress', { id, status, phase, frames, frames_read, frames_done, segments, segments_done, frames_per_second, seconds_left, stalled_seconds, bytes, engine });
    }
  }

  list(query: URLSearchParams): unknown {
    const kinds = (query.get('state') ?? '').split(',').filter((kind) => kind !== '');
    const search = (query.get('search') ?? '').toLowerCase();
    const limit = Number(query.get('limit') ?? 100);
    const all = inOrder(this.world).filter(
      (job) => (kinds.length === 0 || kinds.includes(kindOf(job))) && job.source.toLowerCase().includes(search),
    );
    const after = query.get('after');
    const from = after === null ? 0 : all.findIndex((job) => String(job.id) === after) + 1;
    const jobs = all.slice(from, from + limit);
    const next = from + limit < all.length ? String(jobs.at(-1)?.id) : null;
    return { jobs, next, total: all.length, counts: counts(this.world), files: after === null ? this.world.files : [], last_event: this.world.lastEvent };
  }

  act(action: Action, job: Details): Outcome {
    const now = new Date().toISOString();
    const refused = { id: job.id, changed: false, detail: `this cannot be done to a job that is ${job.status}`, other_job: null };
    const isOver = kindOf(job) === 'done' || kindOf(job) === 'canceled' || kindOf(job) === 'failed';
    const change = (more: Partial<Details>) => Object.assign(job, more);
    if (action === 'pause' && !isOver) change({ status: 'paused', doing: job.status === 'running' ? 'pausing' : 'paused', seconds_left: null });
    else if (action === 'resume' && job.status === 'paused') change({ status: 'queued', doing: 'queued' });
    else if (action === 'cancel' && (!isOver || job.status === 'failed')) change({ status: 'canceled', doing: 'canceled', ended: now });
    else if (action === 'retry' && isOver && job.status !== 'done') change({ status: 'queued', doing: 'queued', ended: null, reason: null });
    else if (action === 'make_again' && isOver) change({ status: 'queued', doing: 'queued', ended: null, frames_done: 0, segments_done: 0 });
    else if (action === 'remove' && isOver && (job.status !== 'failed' || job.frames_done === 0)) {
      this.world.jobs.delete(job.id);
      this.changed(job.id, 'forgotten');
      return { id: job.id, changed: true, detail: 'done', other_job: null };
    } else if (action === 'remove' && job.status === 'failed') {
      return { ...refused, detail: `it has ${job.frames_done} finished frames; cancel it first to throw them away` };
    } else return refused;
    this.changed(job.id);
    return { id: job.id, changed: true, detail: 'done', other_job: null };
  }

  move(id: number, to: Position): void {
    const job = this.world.jobs.get(id);
    if (!job) return;
    const others = inOrder(this.world).filter((one) => one.id !== id);
    const before = typeof to === 'object' ? to.before : null;
    const group = others.filter((one) => kindOf(one) === 'waiting' && one.priority === job.priority);
    const next = to === 'first' ? group[0] : to === 'last' ? undefined : group.find((one) => one.id === before);
    const at = next ? others.indexOf(next) : group.length > 0 ? others.indexOf(group.at(-1) as Details) + 1 : others.length;
    others.splice(at, 0, job);
    this.world.jobs = new Map(others.map((one) => [one.id, one]));
  }

  watch(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': hello\nretry: 2000\n\n');
    this.watching.add(response);
    request.on('close', () => this.watching.delete(response));
  }

  #expire(): boolean {
    this.access.sessions.clear();
    for (const one of this.watching) one.end();
    this.watching.clear();
    return true;
  }

  control(path: string): boolean {
    const [what, value = ''] = path.split('/');
    switch (what) {
      case 'world':
        Object.assign(this, { isOffline: false, isLive: false, slow: 0, broken: '', source: '' });
        this.access = new Access();
        this.uploads.release();
        this.uploads = new Uploads();
        this.videos = new Videos();
        this.settings = new SettingsFile();
        this.log = value === 'empty' ? [] : usualLog();
        this.world = (worlds[value] ?? usual)();
        for (const one of this.watching) one.end();
        this.watching.clear();
        break;
      case 'password':
        this.access.password = decodeURIComponent(value);
        return this.#expire();
      case 'expire':
        return this.#expire();
      case 'remote':
        this.access.isLocal = false;
        break;
      case 'hold':
        this.uploads.hold = Number(value);
        break;
      case 'release':
        this.uploads.release();
        break;
      case 'cut':
        this.uploads.cut = Number(value);
        break;
      case 'full':
      case 'roomy':
        this.uploads.isFull = what === 'full';
        break;
      case 'previews':
        this.videos.slow = Number(value);
        break;
      case 'model':
        this.videos.broken = value;
        break;
      case 'by-hand':
        this.settings.write(value);
        break;
      case 'log':
        this.log.push({ number: this.log.length + 1, at: new Date().toISOString(), level: 'info', text: decodeURIComponent(value) });
        break;
      case 'received':
        return this.uploads.received === Number(value);
      case 'wait':
        this.access.wait = Number(value);
        break;
      case 'watched':
        return this.watching.size > 0;
      case 'offline':
        this.isOffline = true;
        for (const one of this.watching) one.destroy();
        this.watching.clear();
        break;
      case 'online':
        this.isOffline = false;
        break;
      case 'version':
        this.world.system.version = value;
        break;
      case 'paused':
        this.world.system.paused = decodeURIComponent(value);
        this.world.system.ignored = null;
        break;
      case 'source':
        this.source = value;
        break;
      case 'stopping':
        this.world.system.stopping = true;
        break;
      case 'slow':
        this.slow = Number(value);
        break;
      case 'break':
        this.broken = value;
        break;
      case 'live':
        this.isLive = true;
        break;
      case 'tick':
        this.tick();
        break;
      case 'missed':
        this.send('missed', { missed: 3 });
        break;
      case 'finish':
        for (const job of this.world.jobs.values()) {
          if (job.status !== 'running' || job.phase !== 'segments') continue;
          Object.assign(job, { status: 'done', doing: 'done', ended: new Date().toISOString(), result: '/srv/upscaled/output/x.mkv' });
          this.world.segments.delete(job.id);
          this.changed(job.id);
        }
        break;
      case 'segment':
        for (const [id, segments] of this.world.segments) {
          const job = this.world.jobs.get(id);
          const first = segments.find((segment) => segment.state === 'running');
          if (job?.status !== 'running' || !first) continue;
          Object.assign(first, { state: 'finished', reused_frames: 0 });
          const next = segments.find((segment) => segment.state === 'waiting');
          if (next) next.state = 'running';
          job.segments_done += 1;
          this.changed(id);
        }
        break;
      default:
        return false;
    }
    return true;
  }
}

async function bytesOf(request: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const part of request) bytes += (part as Buffer).length;
  return bytes;
}

/** A film that browsers play: twenty seconds. */
const FILM = readFileSync(new URL('film.webm', import.meta.url));

function play(range: string, response: ServerResponse): void {
  const [from = 0, to = FILM.length - 1] = range.replace('bytes=', '').split('-').filter((text) => text !== '').map(Number);
  const end = Math.min(to, FILM.length - 1);
  response.writeHead(206, { 'content-type': 'video/webm', 'accept-ranges': 'bytes', 'content-range': `bytes ${from}-${end}/${FILM.length}`, 'content-length': end - from + 1 });
  response.end(FILM.subarray(from, end + 1));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const part of request) text += String(part);
  return text === '' ? undefined : JSON.parse(text);
}

function handler(mock: Mock): Connect.NextHandleFunction {
  return (request, response, next) => {
    const url = new URL(request.url ?? '/', 'http://mock');
    const at = url.pathname.indexOf('/api/v1/');
    if (url.pathname.startsWith('/mock/')) {
      response.statusCode = mock.control(url.pathname.slice('/mock/'.length)) ? 204 : 404;
      response.end();
      return;
    }
    if (at < 0) {
      next();
      return;
    }
    if (mock.isOffline) {
      request.socket.destroy();
      return;
    }
    const path = url.pathname.slice(at + '/api/v1/'.length);
    const go = () => void answer(mock, path, url, request, response);
    if (mock.slow > 0 && path !== 'events') setTimeout(go, mock.slow);
    else go();
  };
}

/** A picture of a size that says what it is. */
function drawing(size: string | null | undefined, text: string): string {
  const [width, height] = (size ?? '640x480').split('x');
  const lines = '<path d="M0 0L64 48M64 0L0 48" stroke="#7b8183"/><rect x="20" y="14" width="24" height="20" fill="#0a646d"/>';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 64 48">${lines}<text x="4" y="8" font-size="5" fill="#fff">${text}</text></svg>`;
}

async function answer(mock: Mock, path: string, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const json = (body: unknown, status = 200) => {
    response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(body));
  };
  const problem = (status: number, code: string, detail: string, more: object = {}) =>
    json({ type: 'about:blank', title: '', status, code, detail, ...more }, status);
  const [first, id, what] = path.split('/');
  if (mock.broken !== '' && first === mock.broken) return problem(500, 'internal', 'the server failed; its log says why');
  const say = ({ status, code, body, headers, more }: Answer) => {
    for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
    if (code !== undefined) return problem(status, code, String(body), more);
    if (body !== undefined) return json(body, status);
    response.statusCode = status;
    response.end();
  };
  const method = request.method ?? 'GET';
  if (first === 'session') return say(mock.access.signIn(method, request, method === 'POST' ? await bodyOf(request) : undefined));
  if (mock.access.session(request).needs_password) return problem(401, 'sign_in_needed', "sign in with the owner's password, or send a token");
  if (first === 'owner') return say(mock.access.setPassword(await bodyOf(request)));
  if (first === 'tokens') return say(mock.access.tokensAt(method, id, method === 'POST' ? await bodyOf(request) : undefined));
  if (first === 'uploads') return mock.uploads.answer(id, request, response, problem);
  if (first === 'events') return mock.watch(request, response);
  if (first === 'log') {
    const levels = ['error', 'warn', 'info'];
    const most = levels.indexOf(url.searchParams.get('level') ?? 'info');
    const after = Number(url.searchParams.get('after') ?? 0);
    return json({ lines: mock.log.filter((line) => line.number > after && levels.indexOf(line.level) <= most), next: mock.log.length, missed: false });
  }
  if (first === 'settings' && id === 'webhooks') return say(mock.settings.test(Number(what)));
  if (first === 'settings') return method === 'PATCH' ? say(mock.settings.change(request, (await bodyOf(request)) as Record<string, unknown>)) : json(mock.settings.show());
  if (first === 'system' && id === 'go-on') {
    const { system } = mock.world;
    const was = (method === 'DELETE' ? system.ignored : system.paused) ?? null;
    [system.paused, system.ignored] = method === 'DELETE' ? [was, null] : [null, was];
    return json(method === 'DELETE' ? { paused: was } : { was });
  }
  if (first === 'system') return json(mock.world.system);
  const { videos } = mock;
  if (first === 'machine') {
    return json({
      findings: [
        { subject: 'sandbox', ok: true, detail: '42 of 42 forbidden actions are denied by Landlock, seccomp and limits', remedy: null },
        { subject: 'FFmpeg', ok: true, detail: '7.1.2', remedy: null },
        { subject: 'engine', ok: true, detail: 'cpu (avx2, 8 threads)', remedy: null },
      ],
    });
  }
  if (first === 'models' && id !== undefined) return say(videos.addModel(decodeURIComponent(id), await bytesOf(request)));
  if (first === 'models') return say(videos.models());
  if (first === 'encoders') return say(videos.encoders());
  if (first === 'files' && id === undefined) return say(videos.folder(url.searchParams));
  if (first === 'files' && id === 'video') return say(videos.video(url.searchParams));
  if (first === 'files' || (first === 'previews' && id !== undefined)) {
    const [name = '', size = '640x272'] = decodeURIComponent(id === 'frame' ? Number(url.searchParams.get('at')).toFixed(1) : (id ?? '')).split('@');
    response.writeHead(200, { 'content-type': 'image/svg+xml' });
    response.end(drawing(size, name));
    return;
  }
  if (first === 'previews') return say(await videos.preview((await bodyOf(request)) as object));
  if (first === 'estimates') return say(videos.estimate((await bodyOf(request)) as object));
  if (first === 'jobs' && id === undefined && method === 'POST') {
    return say(videos.create(mock.world, (await bodyOf(request)) as NewJob, request, (one) => mock.changed(one)));
  }
  if (first !== 'jobs') return problem(404, 'no_route', 'there is nothing at this address');
  if (id === undefined) return json(mock.list(url.searchParams));
  if (id === 'actions') {
    const { action, jobs } = (await bodyOf(request)) as { action: Action; jobs: 'all' | { numbers: number[] } };
    const isFor = (one: Details) => (action === 'pause' ? ['running', 'waiting'].includes(kindOf(one)) : one.status === 'paused');
    const chosen = jobs === 'all' ? [...mock.world.jobs.values()].filter(isFor) : jobs.numbers.flatMap((one) => mock.world.jobs.get(one) ?? []);
    return json({ outcomes: chosen.map((one) => mock.act(action, one)) });
  }
  const job = mock.world.jobs.get(Number(id));
  if (!job) return problem(404, 'no_job', `there is no job ${id}`);
  if (what === undefined) return json(job);
  if (what === 'segments') {
    const from = Number(url.searchParams.get('from') ?? 0);
    return json({ segments: (mock.world.segments.get(job.id) ?? []).slice(from, from + Number(url.searchParams.get('limit') ?? 5000)) });
  }
  if (what === 'report') return json(report(job));
  if (what === 'frames') {
    const [, , , frame, side] = path.split('/');
    const isMade = job.status === 'done' || (mock.world.segments.get(job.id) ?? []).some((one) => one.state === 'finished' && one.first <= Number(frame) && Number(frame) < one.end);
    if (side === 'result' && !isMade) return problem(404, 'not_made_yet', 'this frame is not made yet');
    response.writeHead(200, { 'content-type': 'image/svg+xml' });
    response.end(drawing(side === 'result' ? job.result_size : job.source_size, `${frame} ${side}`));
    return;
  }
  if (what === 'thumbnail') {
    response.writeHead(200, { 'content-type': 'image/svg+xml' });
    response.end(drawing(job.source_size, `${job.id}`));
    return;
  }
  // What is made up has no pictures that a browser could play.
  if (what === 'parts') return json({ media_type: null, parts: [] });
  const { range } = request.headers;
  if (what === 'source') {
    if (mock.source === 'away') return problem(409, 'source_away', 'the source is gone: put it back');
    if (mock.source === '') return play(range ?? '', response);
    response.writeHead(200, { 'content-type': 'video/x-matroska' });
    response.end('film');
    return;
  }
  if (what === 'result' && range !== undefined) return play(range, response);
  if (what === 'result') {
    response.writeHead(200, { 'content-disposition': "attachment; filename*=UTF-8''film_upscaled.mkv" });
    response.end('film');
    return;
  }
  if (what === 'priority') {
    job.priority = ((await bodyOf(request)) as { priority: Priority }).priority;
    mock.changed(job.id);
    return json({ outcomes: [{ id: job.id, changed: true, detail: 'done', other_job: null }] });
  }
  if (what === 'position') {
    mock.move(job.id, ((await bodyOf(request)) as { to: Position }).to);
    response.statusCode = 204;
    response.end();
    return;
  }
  return problem(404, 'no_route', 'there is nothing at this address');
}

export function mock(): Plugin {
  const made = new Mock();
  return {
    name: 'mock',
    configureServer(server) {
      server.middlewares.use(handler(made));
    },
    configurePreviewServer(server) {
      server.middlewares.use((_request, response, next) => {
        response.setHeader('content-security-policy', POLICY);
        next();
      });
      server.middlewares.use(handler(made));
    },
  };
}
