// SPDX-License-Identifier: Apache-2.0
// Reading the weekly table and writing resources: the same for every peer in JavaScript.

import { once } from 'node:events';
import fs from 'node:fs';
import readline from 'node:readline';

// The lines of a file that are not empty.
export async function* linesOf(file) {
    const lines = readline.createInterface({ input: fs.createReadStream(file), crlfDelay: Infinity });
    for await (const line of lines) {
        if (line !== '') {
            yield line;
        }
    }
}

// The cells of every row of a plain CSV file, without its header.
export async function* rowsOf(file) {
    let first = true;
    for await (const line of linesOf(file)) {
        if (first) {
            first = false;
        } else {
            yield line.split(',');
        }
    }
}

// NDJSON on stdout, in blocks; counts what it writes.
export class Out {
    constructor() {
        this.text = '';
        this.resources = 0;
        this.bytes = 0;
    }
    async write(resources) {
        for (const resource of resources) {
            this.text += JSON.stringify(resource) + '\n';
        }
        this.resources += resources.length;
        if (this.text.length > 262144) {
            await this.flush();
        }
    }
    async flush() {
        const block = this.text;
        this.text = '';
        this.bytes += block.length;
        if (!process.stdout.write(block)) {
            await once(process.stdout, 'drain');
        }
    }
    // The closing line on stderr, which the driver reads.
    async close(records) {
        await this.flush();
        process.stderr.write(`records ${records} resources ${this.resources} characters ${this.bytes}\n`);
    }
}
