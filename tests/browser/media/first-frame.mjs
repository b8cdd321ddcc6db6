// The page for integrators of the HTML5 SDK, followed as a newcomer would: its shell lines run, its page
// is saved as it stands, and its picture moves.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveFolder } from '../harness/serve.mjs';
import { ROOT } from '../lib/paths.mjs';
import { expect } from '../lib/scenario.mjs';
import { Person } from '../lib/steps.mjs';

const SDK = join(ROOT, 'html5-sdk');

export default {
  name: 'first frame: the steps of the SDK’s README',
  limitSeconds: 60,
  run: async (scenario) => {
    const product = await scenario.server();
    const folder = mkdtempSync(join(tmpdir(), 'lens-first-frame-'));
    scenario.afterwards(() => rmSync(folder, { recursive: true, force: true }));
    const origin = await serveFolder(scenario, folder);
    const KEY = await product.apiKey({ origins: [origin] });
    const readme = readFileSync(join(SDK, 'README.md'), 'utf8');
    writeFileSync(join(folder, 'first-frame.html'), theBlock(readme, 'html'));
    const env = { ...process.env, SDK, KEY, LENS: product.origin };
    execFileSync('bash', ['-euc', theBlock(readme, 'sh')], { cwd: folder, env });
    for (const role of ['camera', 'viewer']) {
      const { media_token: token } = JSON.parse(readFileSync(join(folder, `${role}.json`), 'utf8'));
      product.secret('media token', token);
    }

    const browser = await scenario.chromium();
    const permissions = ['camera', 'microphone'];
    const watched = await browser.newPage({ name: 'first frame', origin, permissions });
    await watched.open(`${origin}/first-frame.html`);
    const person = new Person(watched);
    await person.until(
      'a second of picture',
      () => (document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 30,
    );
    await person.until(
      'the page says so',
      () => document.querySelector('#state')?.textContent === 'connected',
    );
  },
};

/** The only block of that language. */
function theBlock(page, language) {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))];
  expect(blocks.length === 1, `the page has ${blocks.length} blocks of ${language}`);
  return blocks[0][1];
}
