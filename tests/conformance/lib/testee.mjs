// One testee: a program that is a participant, driven over its standard input and output by lines of
// JSON. The words stand in README.md.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How long a call may take. A browser may have to start. */
const CALL_MS = 60_000;
const END_MS = 30_000;

/** A call that the testee answered with an error. */
export class Refused extends Error {
  constructor(verb, code, detail) {
    super(`${verb}: ${code}${detail ? ` (${detail})` : ''}`);
    this.code = code;
  }
}

export class Testee {
  #child;
  #calls = new Map();
  #lastId = 0;
  #errors = [];
  #exited;
  #ended = false;
  /** @type {(signal: { signal_id: number, signal: any }) => void} */
  #onSignal = () => {};
  /** Events of this scenario, in the order they came. @type {any[]} */
  events = [];
  /** How many of them the scenario has looked at. */
  seen = 0;
  /** How many frames it has judged. */
  counted = 0;

  /**
   * @param {string} face 'rust', 'c', 'java', 'browser' or another
   * @param {string[]} command
   */
  constructor(face, command) {
    this.face = face;
    this.#child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#exited = new Promise((resolve) => {
      this.#child.on('exit', (code, signal) => resolve({ code, signal }));
      this.#child.on('error', (error) => resolve({ code: null, signal: error.message }));
    });
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line));
    createInterface({ input: this.#child.stderr }).on('line', (line) => this.#errors.push(line));
    void this.#exited.then((how) => {
      this.#ended = true;
      for (const { reject } of this.#calls.values()) reject(this.#failure(`ended: ${JSON.stringify(how)}`));
      this.#calls.clear();
    });
  }

  /**
   * Begins a scenario.
   * @param {(signal: { signal_id: number, signal: any }) => void} onSignal carries what it sends
   */
  prepare(onSignal) {
    this.#onSignal = onSignal;
    this.events = [];
    this.seen = 0;
    this.counted = 0;
  }

  /** Calls a verb; what it answers. Throws `Refused` when it refuses. */
  async call(verb, words = {}) {
    if (this.#ended) throw this.#failure('has ended');
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#calls.set(id, { verb, resolve, reject }));
    this.#child.stdin.write(`${JSON.stringify({ id, do: verb, ...words })}\n`);
    const timer = setTimeout(() => {
      this.#calls.get(id)?.reject(this.#failure(`did not answer ${verb} within ${CALL_MS} ms`));
    }, CALL_MS);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      this.#calls.delete(id);
    }
  }

  /** Ends the program; a sentence about what was wrong with its end, or nothing. */
  async end() {
    this.#child.stdin.end();
    const late = new Promise((resolve) => {
      setTimeout(resolve, END_MS, null).unref();
    });
    const how = await Promise.race([this.#exited, late]);
    if (!how) {
      this.#child.kill('SIGKILL');
      return `${this.face} did not end with its input:\n${this.#tail()}`;
    }
    if (how.code === 0) return null;
    return `${this.face} ended with ${how.code ?? how.signal}:\n${this.#tail()}`;
  }

  #hear(line) {
    let said;
    try {
      said = JSON.parse(line);
    } catch {
      this.#errors.push(line);
      return;
    }
    if (said.event === 'signal') this.#onSignal(said);
    else if (said.event) this.events.push(said);
    else this.#answered(said);
  }

  #answered({ id, ok, error, detail }) {
    const call = this.#calls.get(id);
    if (error) call?.reject(new Refused(call.verb, error, detail));
    else call?.resolve(ok);
  }

  #failure(sentence) {
    return new Error(`${this.face} ${sentence}\n${this.#tail()}`);
  }

  #tail() {
    return this.#errors.slice(-20).join('\n');
  }
}
