// The product under test: the `lens` binary, started, read and judged.
//
// A server remembers every secret the scenario met (`secret`), and when it ends its whole log is
// searched for them and for panics.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Http } from './http.mjs';
import { ROOT } from './paths.mjs';

const READY_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 35_000;

/** The binary under test. */
export function binary() {
  const path = process.env.LENS_BIN ?? join(ROOT, 'target/debug/lens');
  if (!existsSync(path)) throw new Error(`${path} is missing: cargo build -p lens-server`);
  return path;
}

/** One process of the product. */
export class Process {
  #child;
  #lines = [];
  #exited;

  /** Starts `lens` with these parameters; `named` stands before its lines in the artifacts. */
  constructor(named, parameters, { environment = {} } = {}) {
    this.named = named;
    this.parameters = parameters;
    this.#child = spawn(binary(), parameters, {
      env: { ...cleanEnvironment(), RUST_BACKTRACE: '1', LENS_LOG: 'debug', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = new Promise((resolve) => {
      this.#child.on('exit', (code, signal) => resolve({ code, signal }));
      this.#child.on('error', (error) => resolve({ code: -1, signal: String(error) }));
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#lines.push(line));
    }
  }

  /** The lines printed so far, standard output and error together. */
  get lines() {
    return this.#lines;
  }

  get pid() {
    return this.#child.pid;
  }

  /** Waits for the JSON line of `--ready-json`. */
  async ready() {
    const started = Date.now();
    while (Date.now() - started < READY_LIMIT_MS) {
      const line = this.#lines.find((l) => l.startsWith('{') && l.includes('"ready"'));
      if (line) return JSON.parse(line);
      const ended = await Promise.race([this.#exited, tick(20)]);
      if (ended) throw this.#failure(`ended before it was ready (${JSON.stringify(ended)})`);
    }
    throw this.#failure(`was not ready within ${READY_LIMIT_MS} ms`);
  }

  /** Ends it as an operator would, and returns its exit code. */
  async stop() {
    this.#child.kill('SIGTERM');
    const ended = await Promise.race([this.#exited, tick(STOP_LIMIT_MS)]);
    if (!ended) {
      this.#child.kill('SIGKILL');
      await this.#exited;
      throw this.#failure(`did not end within ${STOP_LIMIT_MS} ms of SIGTERM`);
    }
    return ended.code;
  }

  /** Ends it as a power cut would. */
  async kill() {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Whether it runs. */
  get running() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #failure(sentence) {
    return new Error(`${this.named} ${sentence}:\n${this.#lines.slice(-15).join('\n')}`);
  }
}

/** A whole product: one process, or one for each role. */
export class Server {
  #secrets = new Map();
  #former = [];

  constructor({ address = '127.0.0.1' } = {}) {
    this.address = address;
    this.directory = mkdtempSync(join(tmpdir(), 'lens-test-'));
    this.admin = { email: 'anna@example.com', password: `Rj4-${randomBytes(12).toString('hex')}` };
    this.processes = [];
    this.secret('password', this.admin.password);
  }

  /** Starts every role in one process. */
  async start(extra = []) {
    const password = join(this.directory, 'password');
    writeFileSync(password, this.admin.password, { mode: 0o600 });
    const process = new Process('lens', [
      'serve',
      '--ready-json',
      ...['--data-dir', join(this.directory, 'data')],
      ...['--https', `${this.address}:${this.httpsPort ?? 0}`],
      ...['--media', `${this.address}:${this.mediaPort ?? 0}`],
      ...['--bootstrap-admin', `${this.admin.email}:${password}`],
      ...extra,
    ]);
    this.processes = [process];
    this.ready = await process.ready();
    this.origin = originOf(this.ready);
    this.http = new Http(this.origin);
    return this;
  }

  /** Remembers something that must never stand in a log. */
  secret(kind, text) {
    if (text && text.length >= 6) this.#secrets.set(text, kind);
    return text;
  }

  /** What must not have happened: panics, and secrets in the log. */
  faults() {
    const faults = [];
    for (const process of [...this.#former, ...this.processes]) {
      for (const line of process.lines) {
        if (/panicked at|stack backtrace/.test(line)) faults.push(`${process.named}: ${line}`);
        for (const [text, kind] of this.#secrets) {
          if (line.includes(text) && !line.startsWith('{"ready"')) {
            faults.push(`${process.named}: a ${kind} stands in the log: ${line.slice(0, 60)}…`);
          }
        }
      }
    }
    return faults;
  }

  /** Every line of every process, for the artifacts. */
  log() {
    return [...this.#former, ...this.processes]
      .flatMap((process) => process.lines.map((line) => `[${process.named}] ${line}`))
      .join('\n');
  }

  /** Ends and forgets a process, to be started again; its log is still judged. */
  retire(process) {
    this.#former.push(process);
    this.processes = this.processes.filter((other) => other !== process);
  }

  async stop() {
    await Promise.all(this.processes.filter((p) => p.running).map((p) => p.stop()));
  }

  remove() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function originOf(ready) {
  const url = ready.console_url ?? ready.console ?? ready.https;
  return new URL(url).origin;
}

// The product reads LENS_* as settings: the tests' own variables must not reach it. It logs more than
// by default, so that the search for secrets is as hard on it as it can be.
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LENS_')));
}

function tick(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds, null);
  });
}
