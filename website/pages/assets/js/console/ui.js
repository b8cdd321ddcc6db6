/** What is open on the page besides the view itself: panel, dialog, menu, tab. */

import { prefs } from './prefs.js';
import { routeNow } from './route.js';

/** @typedef {import('./store.js').Store} Store */
/** @typedef {{ kind: 'close' | 'putout' | 'keys', id?: string }} Dialog */

export class Ui extends EventTarget {
  /** @param {Store} store */
  constructor(store) {
    super();
    this.store = store;
    this.route = routeNow();
    /** The new-session panel: the session it shows, once made. @type {{ id: string, busy: boolean, failed: boolean } | null} */
    this.panel = null;
    /** @type {Dialog | null} */
    this.dialog = null;
    this.menu = false;
    /** Whether the quality card is open. */
    this.pop = false;
    /** Whether the list of people is open. */
    this.people = false;
    /** Whether the side panel is open: beside the stage when there is room, over it otherwise. */
    this.side = prefs.panel && matchMedia('(min-width: 70em)').matches;
    this.now = Date.now();
    /** Search text as typed; the address follows. */
    this.q = this.route.q;
    const roomy = matchMedia('(min-width: 70em)');
    roomy.addEventListener('change', () => this.set({ side: roomy.matches && prefs.panel }));
    this.form = { email: '', password: '', shown: false, busy: false, wrong: '' };
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }

  /** @param {Partial<Pick<Ui, 'dialog' | 'menu' | 'pop' | 'people' | 'side' | 'panel'>>} change */
  set(change) {
    Object.assign(this, change);
    this.changed();
  }

  async newSession() {
    if (this.panel?.busy) return;
    this.panel = { id: '', busy: true, failed: false };
    this.changed();
    try {
      this.panel = { id: await this.store.create(), busy: false, failed: false };
    } catch {
      this.panel = { id: '', busy: false, failed: true };
    }
    this.changed();
  }
}
