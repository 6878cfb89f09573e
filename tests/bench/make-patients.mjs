// SPDX-License-Identifier: Apache-2.0
// The answers of the sink's patient searches: make-patients.mjs TABLE.csv DIR writes one searchset Bundle per
// Patient_Identifier of the weekly table.

import fs from 'node:fs';
import path from 'node:path';
import { rowsOf } from './peers/rows.mjs';

const [table, dir] = process.argv.slice(2);
const seen = new Set();
fs.mkdirSync(dir, { recursive: true });

for await (const [id] of rowsOf(table)) {
    if (seen.has(id) || !/^[A-Za-z0-9_-]+$/.test(id)) {
        continue;
    }
    seen.add(id);
    const resource = {
        resourceType: 'Patient',
        id: `p${id}`,
        meta: { versionId: '1' },
        identifier: [{ system: 'urn:oid:1.2.3.4.5.6.7', value: id }],
        name: [{ family: 'Synthetic' }],
        birthDate: '1980-01-01',
    };
    const entry = [{ fullUrl: `https://localhost/fhir/R4/Patient/p${id}`, resource, search: { mode: 'match' } }];
    fs.writeFileSync(path.join(dir, `${id}.json`), JSON.stringify({ resourceType: 'Bundle', type: 'searchset', total: 1, entry }));
}
process.stderr.write(`${seen.size} patients\n`);
