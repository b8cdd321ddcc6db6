// What a person does and sees: press, type, read, each by role and accessible name, each with a limit
// and never by a pause. A step that does not come true says what the page showed instead.

import { watch } from './sight.mjs';

const LIMIT_MS = 10_000;

/** A person in front of a page (browsers.mjs, WatchedPage). */
export class Person {
  constructor(watched) {
    this.watched = watched;
    this.page = watched.page;
    this.name = watched.name;
  }

  /** Presses what has this role and name, as soon as it is there, enabled and uncovered. */
  async press(role, name, { limit = LIMIT_MS } = {}) {
    const handle = await this.#find(role, name, limit, { usable: true });
    await handle.evaluate((element) => element.scrollIntoView({ block: 'center' }));
    const cover = await handle.evaluate(coverOf);
    if (cover) throw new Error(`${this.name}: ${role} ${shown(name)} is covered by ${cover}`);
    await handle.click();
    await handle.dispose();
  }

  /** Types into the field with this name, replacing what is in it. */
  async type(name, text, { role = 'textbox', limit = LIMIT_MS, enter = false } = {}) {
    const handle = await this.#find(role, name, limit, { usable: true });
    await handle.click();
    await handle.evaluate((element) => element.select?.());
    await this.page.keyboard.type(text);
    if (enter) await this.page.keyboard.press('Enter');
    await handle.dispose();
  }

  /** Presses keys, as `Shift+X`. */
  async keys(combination) {
    const parts = combination.split('+');
    const last = parts.pop();
    for (const part of parts) await this.page.keyboard.down(part);
    await this.page.keyboard.press(last);
    for (const part of parts.reverse()) await this.page.keyboard.up(part);
  }

  /**
   * Waits until text is visible; returns when that was, in milliseconds since 1970. `text` is a part
   * of what is to be read, or a regular expression.
   */
  async reads(text, { limit = LIMIT_MS } = {}) {
    return this.#wait({ kind: 'text', text: packed(text) }, `reads ${shown(text)}`, limit);
  }

  /** Waits until text is not visible (any more). */
  async readsNoMore(text, { limit = LIMIT_MS } = {}) {
    return this.#wait({ kind: 'noText', text: packed(text) }, `no longer reads ${shown(text)}`, limit);
  }

  /** Waits until something with this role and name is visible. */
  async sees(role, name, { limit = LIMIT_MS } = {}) {
    return this.#wait({ kind: 'role', role, name: packed(name) }, `sees ${role} ${shown(name)}`, limit);
  }

  /** Waits until nothing with this role and name is visible (any more). */
  async seesNo(role, name, { limit = LIMIT_MS } = {}) {
    return this.#wait({ kind: 'noRole', role, name: packed(name) }, `sees no ${role} ${shown(name)}`, limit);
  }

  /** Whether something with this role and name is visible now. */
  async canSee(role, name) {
    return this.page.evaluate(watch, { kind: 'role', role, name: packed(name) }).then(Boolean);
  }

  /** The visible text of the page. */
  async text() {
    return this.page.evaluate(() => document.body.innerText);
  }

  /** The visible text of what has this role and name. */
  async textOf(role, name, { limit = LIMIT_MS } = {}) {
    const handle = await this.#find(role, name, limit, {});
    const text = await handle.evaluate((element) => element.value ?? element.innerText);
    await handle.dispose();
    return text;
  }

  /** Waits until `check`, run in the page with `argument`, is truthy; returns what it gave. */
  async until(sentence, check, argument, { limit = LIMIT_MS } = {}) {
    try {
      const handle = await this.page.waitForFunction(
        check,
        { polling: 50, timeout: limit },
        argument,
      );
      return await handle.jsonValue();
    } catch (error) {
      throw await this.#disappointment(sentence, limit, error);
    }
  }

  /** Waits until a video of the page shows moving pictures. */
  async seesVideo({ selector = 'video', limit = 15_000 } = {}) {
    return this.until('a video plays', playing, selector, { limit });
  }

  async #find(role, name, limit, wanted) {
    try {
      const handle = await this.page.waitForFunction(
        watch,
        { polling: 50, timeout: limit },
        { kind: 'element', role, name: packed(name), ...wanted },
      );
      return handle.asElement();
    } catch (error) {
      throw await this.#disappointment(`finds ${role} ${shown(name)}`, limit, error, role);
    }
  }

  async #wait(wish, sentence, limit) {
    try {
      const handle = await this.page.waitForFunction(watch, { polling: 50, timeout: limit }, wish);
      return await handle.jsonValue();
    } catch (error) {
      throw await this.#disappointment(sentence, limit, error, wish.role);
    }
  }

  async #disappointment(sentence, limit, error, role) {
    const gone = /detached|closed|destroyed/i.test(String(error));
    const names = role
      ? await this.page.evaluate(watch, { kind: 'names', role }).catch(() => [])
      : [];
    const text = await this.text().catch(() => '(the page cannot be read)');
    const words = [
      `${this.name}: not within ${limit} ms: ${sentence}${gone ? ` (${error.message})` : ''}`,
      role ? `  with role ${role} there are: ${names.map((n) => `"${n}"`).join(', ') || 'none'}` : '',
      `  the page reads: ${text.replace(/\s*\n\s*/g, ' / ').slice(0, 900)}`,
    ];
    return new Error(words.filter(Boolean).join('\n'));
  }
}

// Arguments cross into the page as JSON.
function packed(text) {
  return text instanceof RegExp ? { source: text.source, flags: text.flags } : text;
}

function shown(text) {
  return text instanceof RegExp ? String(text) : `"${text}"`;
}

// Runs in the page: what lies over an element's middle, if anything.
function coverOf(element) {
  const box = element.getBoundingClientRect();
  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  if (!top) return 'the edge of the window';
  const own = top === element || element.contains(top) || top.contains(element);
  const label = top.closest('label');
  if (own || (label && label.control === element)) return '';
  return top.outerHTML.slice(0, 120);
}

// Runs in the page.
function playing(selector) {
  return [...document.querySelectorAll(selector)].some((video) => {
    const frames = video.getVideoPlaybackQuality().totalVideoFrames;
    const before = video.__framesBefore ?? frames;
    video.__framesBefore = frames;
    return video.checkVisibility() && !video.paused && video.videoWidth > 2 && frames > before;
  });
}
