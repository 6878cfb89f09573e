// SPDX-License-Identifier: Apache-2.0
// The straightforward Node script: node-map.mjs TABLE.csv (weekly rows) or RECORDS.ndjson (full records).

import { observationsOf, rowToMeasure } from './phq9.mjs';
import { resourcesOf } from './record.mjs';
import { linesOf, Out, rowsOf } from './rows.mjs';

const file = process.argv[2];
const out = new Out();
let records = 0;

if (file.endsWith('.ndjson')) {
    for await (const line of linesOf(file)) {
        await out.write(resourcesOf(JSON.parse(line)));
        records++;
    }
} else {
    for await (const cells of rowsOf(file)) {
        await out.write(observationsOf(rowToMeasure(cells)));
        records++;
    }
}
await out.close(records);
