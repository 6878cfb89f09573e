// SPDX-License-Identifier: Apache-2.0
// One record, many times as NDJSON, each with its own recordId: repeat-record.mjs RECORD.json TIMES >RECORDS.ndjson

import fs from 'node:fs';

const [file, times] = process.argv.slice(2);
const record = JSON.parse(fs.readFileSync(file, 'utf8'));
const id = record.recordId;
let text = '';

for (let i = 1; i <= Number(times); i++) {
    record.recordId = `${id}-${i}`;
    text += JSON.stringify(record) + '\n';
}
process.stdout.write(text);
