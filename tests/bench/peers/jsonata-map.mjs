// SPDX-License-Identifier: Apache-2.0
// The weekly rows through a compiled JSONata expression: jsonata-map.mjs TABLE.csv. The package is looked for
// in IPTFHIR_BENCH_MODULES, else in this folder.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { uuid } from './phq9.mjs';
import { Out, rowsOf } from './rows.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const load = createRequire(path.resolve(process.env.IPTFHIR_BENCH_MODULES ?? here) + '/');
const jsonata = load('jsonata');

const expression = jsonata(fs.readFileSync(path.join(here, 'weekly.jsonata'), 'utf8'));
expression.registerFunction('uuid', uuid, '<s:s>');
const names = ['patient', 'week', 'q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7', 'q8', 'q9', 'difficulty', 'total'];
const out = new Out();
let records = 0;

for await (const cells of rowsOf(process.argv[2])) {
    const row = Object.fromEntries(names.map((name, i) => [name, i < 2 ? cells[i] : Number(cells[i])]));
    row.day = new Date(Date.UTC(2026, 0, 5 + 7 * (Number(row.week) - 1))).toISOString().slice(0, 10);
    await out.write(await expression.evaluate(row));
    records++;
}
await out.close(records);
