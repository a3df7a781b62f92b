// Writes NAME.gz beside each file of dist that becomes smaller, the same bytes at every build.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BUDGET = 150_000;
const dist = fileURLToPath(new URL('../dist', import.meta.url));
let total = 0;
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' }).sort()) {
  const path = join(dist, name);
  if (!statSync(path).isFile()) continue;
  const plain = readFileSync(path);
  const packed = gzipSync(plain, { level: 9 });
  packed[9] = 255; // the system that packed it is of no interest
  if (packed.length < plain.length) writeFileSync(`${path}.gz`, packed);
  total += Math.min(packed.length, plain.length);
}
console.log(`dist: ${total} bytes, packed`);
if (total > BUDGET) {
  console.error(`dist is larger than ${BUDGET} bytes`);
  process.exit(1);
}
