// Runs web/static/check.js as a browser does, over files: what it finds in each, as JSON. The job comes on stdin.
import { readFileSync } from 'node:fs';

const job = JSON.parse(readFileSync(0, 'utf8'));
const { check, NotHere } = await import(job.script);

function* pieces(text, size) {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

const told = [];
for (const { path, pack, size } of job.files) {
  try {
    const found = await check(pieces(readFileSync(path, 'utf8'), size), async () => job.packs[pack]);
    told.push({ findings: found.findings, rows: found.rows, notHere: found.notHere });
  } catch (fault) {
    if (!(fault instanceof NotHere)) throw fault;
    told.push({ refused: fault.message });
  }
}
process.stdout.write(JSON.stringify(told));
