// Checks the integrity hashes in plain/*.html against the files of the npm packages, which the CDN serves byte for byte.
// `npm run sri` fails on a difference; `npm run sri -- --write` mends the pages (after a change of version there).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PINNED = /"https:\/\/cdn\.jsdelivr\.net\/npm\/((?:@[\w-]+\/)?[\w.-]+@[\d.]+)\/([\w./-]+)" integrity="([^"]*)"/g;
const write = process.argv.includes('--write');
const scratch = mkdtempSync(join(tmpdir(), 'sri-'));

const fileOf = (spec, path) => {
  const packed = execFileSync('npm', ['pack', spec, '--silent', '--ignore-scripts'], { cwd: scratch, encoding: 'utf8' }).trim();
  return execFileSync('tar', ['-xzOf', packed, `package/${path}`], { cwd: scratch, maxBuffer: 64 * 2 ** 20 });
};

let wrong = 0;
for (const name of ['plain/explorer.html', 'plain/docs.html']) {
  const page = new URL(name, import.meta.url);
  const mended = readFileSync(page, 'utf8').replace(PINNED, (whole, spec, path, stated) => {
    const actual = `sha384-${createHash('sha384').update(fileOf(spec, path)).digest('base64')}`;
    console.log(actual === stated ? 'same   ' : 'differs', `${spec}/${path}`, actual);
    wrong += actual !== stated;
    return whole.replace(`integrity="${stated}"`, `integrity="${actual}"`);
  });
  if (write) writeFileSync(page, mended);
}
rmSync(scratch, { recursive: true });
process.exitCode = wrong && !write ? 1 : 0;
