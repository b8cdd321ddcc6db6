// Where things lie, seen from the tests.

import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

/** tests/browser. */
export const BROWSER_TESTS = join(ROOT, 'tests/browser');

/** Made by test runs and ignored by git. */
export const ARTIFACTS = process.env.LENS_ARTIFACTS ?? join(ROOT, 'tests/artifacts');
