// The catalogues: complete in each language, used as written, and plain enough for a worried person.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../lib/paths.mjs';
import { expect } from '../lib/scenario.mjs';

const ASSETS = join(ROOT, 'website/pages/assets');
const PARTS = ['', 'console-', 'setup-'];
/** No sentence that a customer reads is longer, in words. */
const LONGEST = 16;

const catalogue = async (part, language) =>
  (await import(pathToFileURL(join(ASSETS, `i18n/${part}${language}.js`)).href)).default;

const texts = (entry) => (typeof entry === 'string' ? [entry] : Object.values(entry));
const parameters = (entry) => [...new Set(texts(entry).join(' ').match(/\{\w+\}/g) ?? [])].sort().join(' ');

/** Every module under a folder. */
function modules(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return modules(path);
    return entry.name.endsWith('.js') ? [path] : [];
  });
}

/** The ids that a module names as they stand: `t('id')`, `rich('id')`. */
const idsIn = (source) => [...source.matchAll(/\b(?:t|rich)\(\s*'([^']+)'/g)].map(([, id]) => id);

export default [
  {
    name: 'words: each language says everything',
    run: async () => {
      const wrong = [];
      for (const part of PARTS) {
        const [en, de] = await Promise.all([catalogue(part, 'en'), catalogue(part, 'de')]);
        for (const id of Object.keys(en)) {
          if (!(id in de)) wrong.push(`${part}de lacks ${id}`);
          else if (parameters(en[id]) !== parameters(de[id])) wrong.push(`${part}de: ${id} takes other parameters`);
        }
        for (const id of Object.keys(de)) if (!(id in en)) wrong.push(`${part}en lacks ${id}`);
      }
      expect(wrong.length === 0, wrong.join('\n'));
    },
  },
  {
    name: 'words: every text that a page asks for exists',
    run: async (scenario) => {
      const known = new Set();
      for (const part of PARTS) for (const id of Object.keys(await catalogue(part, 'en'))) known.add(id);
      const customerKnown = new Set(Object.keys(await catalogue('', 'en')));
      const wrong = [];
      let asked = 0;
      for (const path of modules(join(ASSETS, 'js'))) {
        const forCustomers = path.includes('/js/customer/');
        for (const id of idsIn(readFileSync(path, 'utf8'))) {
          asked += 1;
          if (!(forCustomers ? customerKnown : known).has(id)) wrong.push(`${path.slice(ASSETS.length)}: ${id}`);
        }
      }
      scenario.fact('texts asked for', asked);
      expect(asked > 200, `only ${asked} texts were found in the modules`);
      expect(wrong.length === 0, wrong.join('\n'));
    },
  },
  {
    name: 'words: customers read short sentences',
    run: async (scenario) => {
      const en = await catalogue('', 'en');
      const sentences = Object.entries(en).flatMap(([id, entry]) =>
        texts(entry).flatMap((text) => text.split(/[.?!:]\s+/).map((sentence) => ({ id, words: sentence.split(/\s+/).filter(Boolean).length }))),
      );
      const long = sentences.filter(({ words }) => words > LONGEST);
      scenario.fact('words a sentence', sentences.reduce((sum, { words }) => sum + words, 0) / sentences.length);
      expect(long.length === 0, long.map(({ id, words }) => `${id}: ${words} words`).join('\n'));
    },
  },
];
