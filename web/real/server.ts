// A real server in a folder of its own, and clips for it.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const PROGRAM = resolve(process.env.UPSCALED_PROGRAM ?? '../target/debug/upscaled');

export class RealServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'upscaled-page-'));
  address = '';
  #port = 0;
  #child: ChildProcess | null = null;

  /** Starts it, the first time or again at the same address. */
  async start(...options: string[]): Promise<void> {
    if (this.#port === 0) this.#port = await freePort();
    this.address = `http://127.0.0.1:${this.#port}/`;
    const arguments_ = ['serve', '--root', join(this.folder, 'root'), '--listen', `127.0.0.1:${this.#port}`, ...options];
    const child = spawn(PROGRAM, arguments_, { stdio: 'ignore' });
    this.#child = child;
    for (;;) {
      const isUp = await fetch(`${this.address}healthz`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (isUp) return;
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
      await new Promise((wait) => setTimeout(wait, 50));
    }
  }

  /** Ends it at once, as a loss of power does. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }

  async end(): Promise<void> {
    await this.kill('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs the program on the server's folder. */
  run(...arguments_: string[]): string {
    return execFileSync(PROGRAM, arguments_, { cwd: join(this.folder, 'root'), encoding: 'utf8' });
  }

  /** A clip with sound that is not still, of so many frames at 25 fps. */
  clip(name: string, frames: number, size = '320x180'): string {
    const path = join(this.folder, name);
    const seconds = String(frames / 25);
    const inputs = ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25:duration=${seconds}`, '-f', 'lavfi', '-i', `sine=duration=${seconds}`];
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...inputs, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-shortest', path]);
    return path;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
