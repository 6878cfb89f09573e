// SPDX-License-Identifier: Apache-2.0
// The records that the store's dictionary is trained on: store-dictionary.mjs EXAMPLES DIR writes variations of the
// example records and a table of weekly PHQ-9 rows. Everything in them is made up, from one seed.

import fs from 'node:fs';
import path from 'node:path';

const [examples, dir] = process.argv.slice(2);
const VARIATIONS = 40;
const ROWS = 300;
let state = 20261124n;

// The next number below `end` of a fixed sequence (a linear congruential generator).
function below(end) {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number((state >> 33n) % BigInt(end));
}

// The date or time that is `days` later.
function shifted(text, days) {
    const date = new Date(Date.parse(text.slice(0, 10) + 'T00:00:00Z') + days * 86400000);
    return date.toISOString().slice(0, 10) + text.slice(10);
}

// The value with dates moved by `days` and the names of things marked by `mark`.
function varied(value, key, days, mark) {
    if (Array.isArray(value)) {
        return value.map((item) => varied(item, key, days, mark));
    }
    if (value !== null && typeof value === 'object') {
        return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, varied(v, k, days, mark)]));
    }
    if (typeof value !== 'string') {
        return value;
    }
    if (/^\d{4}-\d{2}-\d{2}/.test(value) && key !== 'birthDate') {
        return shifted(value, days);
    }
    return key === 'recordId' || key === 'localId' ? `${value}-${mark}` : value;
}

fs.mkdirSync(path.join(dir, 'records'), { recursive: true });
for (const name of fs.readdirSync(examples).sort()) {
    const record = JSON.parse(fs.readFileSync(path.join(examples, name, 'record.json'), 'utf8'));
    for (let i = 0; i < VARIATIONS; i++) {
        const file = path.join(dir, 'records', `${name}-${String(i).padStart(2, '0')}.json`);
        fs.writeFileSync(file, JSON.stringify(varied(record, '', -below(700), `${name}-${i}`)));
    }
}

const head = 'Patient_Identifier,Week,DPQ1,DPQ2,DPQ3,DPQ4,DPQ5,DPQ6,DPQ7,DPQ8,DPQ9,DPQ10,PHQ9_Score';
const rows = [head];
for (let i = 0; i < ROWS; i++) {
    const answers = Array.from({ length: 10 }, () => below(4));
    const total = answers.slice(0, 9).reduce((sum, answer) => sum + answer, 0);
    rows.push([30000 + Math.floor(i / 10) * 7, 1 + (i % 10), ...answers, total].join(','));
}
fs.writeFileSync(path.join(dir, 'weekly.csv'), rows.join('\n') + '\n');
