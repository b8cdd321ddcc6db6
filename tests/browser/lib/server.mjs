// The product under test: the `lens` binary, started, read and judged.
//
// A server remembers every secret the scenario met (`secret`), and when it ends its whole log is
// searched for them and for panics.

import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Http } from './http.mjs';
import { ROOT } from './paths.mjs';

const READY_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 35_000;
const SDP = /a=(candidate|ice-ufrag|ice-pwd|fingerprint|rtpmap)|m=(video|audio) \d/;

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

  /**
   * Without an administrator the product offers its set-up link (`ready.setup_url`).
   * @param {{ address?: string, administrator?: boolean, environment?: Record<string, string> }} [options]
   */
  constructor({ address = '127.0.0.1', administrator = true, environment = {} } = {}) {
    this.address = address;
    this.environment = environment;
    this.directory = mkdtempSync(join(tmpdir(), 'lens-test-'));
    this.processes = [];
    this.roles = {};
    this.operators = {};
    this.media = {};
    if (administrator) {
      const password = this.secret('password', `Rj4-${randomBytes(12).toString('hex')}`);
      this.admin = { email: 'root@example.com', password };
    }
  }

  /** Starts every role in one process. */
  async start(extra = []) {
    const { process, ready } = await this.#launch('lens', 'all', [
      ...['--https', `${this.address}:0`],
      ...['--media', `${this.address}:0`],
      ...this.#bootstrap(),
      ...extra,
    ]);
    this.roles = { all: process };
    this.#opened(ready);
    return this;
  }

  /** Starts two streaming servers, a session manager and a front, as processes of their own. */
  async startSplit(extra = []) {
    this.token = join(this.directory, 'internal-token');
    writeFileSync(this.token, this.secret('internal token', randomBytes(32).toString('hex')), {
      mode: 0o600,
    });
    this.roles = {};
    const urls = [];
    for (const name of ['sfu-1', 'sfu-2']) urls.push(await this.startSfu(name));
    const manager = await this.#launch(
      'session-manager',
      'session-manager',
      urls.flatMap((url) => ['--sfu', url]),
    );
    this.roles['session-manager'] = manager.process;
    const front = await this.#launch('front', 'front', [
      ...['--https', `${this.address}:0`],
      ...['--session-manager', manager.ready.operator_url],
      ...this.#bootstrap(),
      ...extra,
    ]);
    this.roles.front = front.process;
    this.#opened(front.ready);
    return this;
  }

  /** Starts one streaming server of a split product; returns its private URL. */
  async startSfu(name, operator = '127.0.0.1:0', media = `${this.address}:0`) {
    const parameters = ['--node', name, '--media', media];
    const { process, ready } = await this.#launch(name, 'sfu', parameters, operator);
    this.roles[name] = process;
    this.media[name] = ready.media.udp[0];
    return ready.operator_url;
  }

  /** Ends a streaming server as a power cut would, and starts it again where it was. */
  async restartSfu(name) {
    const [operator, media] = [new URL(this.operators[name]).host, this.media[name]];
    await this.roles[name].kill();
    await this.startSfu(name, operator, media);
  }

  async #launch(name, role, parameters, operator = '127.0.0.1:0') {
    const process = new Process(name, [
      ...['serve', '--ready-json', '--role', role, '--operator', operator],
      ...['--data-dir', role === 'all' || role === 'front' ? this.data : join(this.directory, name)],
      ...(this.token ? ['--internal-token', this.token] : []),
      ...parameters,
    ], { environment: this.environment });
    this.processes.push(process);
    const ready = await process.ready();
    this.operators[name] = ready.operator_url;
    return { process, ready };
  }

  #bootstrap() {
    if (!this.admin) return [];
    const file = join(this.directory, 'password');
    writeFileSync(file, this.admin.password, { mode: 0o600 });
    return ['--bootstrap-admin', `${this.admin.email}:${file}`];
  }

  #opened(ready) {
    this.ready = ready;
    this.origin = new URL(ready.console_url).origin;
    this.http = new Http(this.origin);
    this.secret('set-up token', ready.setup_url?.split('#')[1]);
  }

  /** Makes an account with the command line; returns e-mail, name and password. */
  technician(email, name, { administrator = false } = {}) {
    const password = this.secret('password', `Wx7-${randomBytes(12).toString('hex')}`);
    const file = join(this.directory, `password-${email}`);
    writeFileSync(file, password, { mode: 0o600 });
    const extra = administrator ? ['--administrator'] : [];
    this.command('admin', 'technician', 'add', email, '--name', name, '--password-file', file, ...extra);
    return { email, name, password };
  }

  /** Makes an API key with every right that media scenarios need; returns its secret. */
  apiKey({ origins = [], name = 'harness' } = {}) {
    const scopes = ['conferences:write', 'conferences:read', 'participants:write', 'nodes:read'];
    const flags = scopes.flatMap((scope) => ['--scope', scope]);
    const allowed = origins.flatMap((origin) => ['--origin', origin]);
    const printed = this.command('admin', 'api-key', 'add', name, ...flags, ...allowed);
    const key = printed.match(/shown once\): (\S+)/)?.[1];
    if (!key) throw new Error(`no key was printed:\n${printed}`);
    return this.secret('API key', key);
  }

  /** Runs `lens` with these parameters over the same data directory; returns what it printed. */
  command(...parameters) {
    const all = [...parameters, '--data-dir', this.data];
    return execFileSync(binary(), all, { encoding: 'utf8', env: cleanEnvironment() });
  }

  /** The data directory. */
  get data() {
    return join(this.directory, 'data');
  }

  /** Remembers something that must never stand in a log. */
  secret(kind, text) {
    if (text && text.length >= 6) this.#secrets.set(text, kind);
    return text;
  }

  /** What must not have happened: panics, and secrets or SDP in the log. */
  faults() {
    const faults = [];
    for (const process of this.processes) {
      for (const line of process.lines.filter((l) => !l.startsWith('{"ready"'))) {
        if (/panicked at|stack backtrace/.test(line)) faults.push(`${process.named}: ${line}`);
        if (SDP.test(line)) faults.push(`${process.named}: SDP stands in the log: ${line.slice(0, 60)}…`);
        for (const [text, kind] of this.#secrets) {
          if (stands(text, line)) {
            faults.push(`${process.named}: a ${kind} stands in the log: ${line.slice(0, 60)}…`);
          }
        }
      }
    }
    return faults;
  }

  /** Every line of every process, for the artifacts. */
  log() {
    return this.processes
      .flatMap((process) => process.lines.map((line) => `[${process.named}] ${line}`))
      .join('\n');
  }

  async stop() {
    await Promise.all(this.processes.filter((p) => p.running).map((p) => p.stop()));
  }

  remove() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

// The product reads LENS_* as settings: the tests' own variables must not reach it. It logs more than
// by default, so that the search for secrets is as hard on it as it can be.
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LENS_')));
}

// A number counts only where it stands alone: microseconds and ids hold any six digits.
function stands(text, line) {
  return /^\d+$/.test(text)
    ? new RegExp(`(?<![\\w.:-])${text}(?![\\w-])`).test(line)
    : line.includes(text);
}

function tick(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds, null);
  });
}
