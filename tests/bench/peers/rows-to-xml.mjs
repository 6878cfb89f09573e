// SPDX-License-Identifier: Apache-2.0
// The weekly table as XML files of 500 rows, which is what weekly.xsl reads: libxslt keeps input and output whole
// in memory. rows-to-xml.mjs TABLE.csv DIR (not measured).

import fs from 'node:fs';
import path from 'node:path';
import { rowsOf } from './rows.mjs';

const names = ['patient', 'week', 'q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7', 'q8', 'q9', 'difficulty', 'total'];
const [table, dir] = process.argv.slice(2);
fs.mkdirSync(dir, { recursive: true });
let rows = [];
let part = 0;

function save() {
    if (rows.length) {
        part += 1;
        const file = path.join(dir, `${String(part).padStart(5, '0')}.xml`);
        fs.writeFileSync(file, `<rows>\n${rows.join('\n')}\n</rows>\n`);
        rows = [];
    }
}

for await (const cells of rowsOf(table)) {
    const day = new Date(Date.UTC(2026, 0, 5 + 7 * (Number(cells[1]) - 1))).toISOString().slice(0, 10);
    const attributes = names.map((name, i) => `${name}="${cells[i]}"`).join(' ');
    rows.push(`<row ${attributes} day="${day}"/>`);
    if (rows.length === 500) {
        save();
    }
}
save();
