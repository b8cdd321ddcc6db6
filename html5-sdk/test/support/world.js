/** A browser that tests move by hand: clock, timers, window, network. */

export class FakeClock {
  #now = 0;
  #timers = new Map();
  #next = 1;

  environment() {
    return {
      now: () => this.#now,
      random: () => 0,
      setTimeout: (handler, ms) => {
        const id = this.#next++;
        this.#timers.set(id, { at: this.#now + ms, handler });
        return id;
      },
      clearTimeout: (id) => this.#timers.delete(id),
    };
  }

  /** Lets time pass, timer by timer, and everything that follows from each. */
  async pass(ms) {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end);
      if (due.length === 0) break;
      const [id, { at, handler }] = due.reduce((a, b) => (b[1].at < a[1].at ? b : a));
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, at);
      handler();
      await settle();
    }
    this.#now = end;
  }

  get pending() {
    return this.#timers.size;
  }
}

/** Lets promises and microtasks run out. */
export async function settle() {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

export class FakeWindow extends EventTarget {
  visibilityState = 'visible';
}

/** Reproducible numbers in [0, 1) (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
