// SPDX-License-Identifier: Apache-2.0
// Is at the hospital what the records say, once each?
//   compare.mjs EXPECTED.ndjson SERVER.ndjson [HELD.json [TYPES]]
// EXPECTED is what `iptfhir map` makes, SERVER all resources of the server, HELD the unsettled items of `iptfhir outbox list --json`, which
// may be missing at the server. With TYPES (separated by commas) other types must be absent from the server. Prints every difference, and
// ends with 1 when there is one. Provenance has no identifier: the record that it names stands for it.

import fs from 'node:fs';

const [expectedFile, serverFile, heldFile, types] = process.argv.slice(2);
const read = (file) => fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const held = heldFile ? JSON.parse(fs.readFileSync(heldFile, 'utf8')) : [];
const wanted = types ? new Set(types.split(',')) : undefined;

const keyOf = (r) => {
    const identifier = [].concat(r.identifier ?? [])[0] ?? r.entity?.[0]?.what?.identifier ?? {};
    return `${r.resourceType} ${identifier.value}`;
};

// Everything but what a server adds, with references as the key of what they lead to.
function plain(node, keys, name) {
    if (Array.isArray(node)) {
        return node.map((it) => plain(it, keys, name));
    }
    if (!node || typeof node !== 'object') {
        return node;
    }
    const out = {};
    for (const key of Object.keys(node).sort()) {
        const value = node[key];
        if (key === 'id' && node.resourceType || key === 'versionId' || key === 'lastUpdated' || key === 'author' && name === 'meta') {
            continue;
        }
        if (key === 'reference' && typeof value === 'string') {
            out[key] = value.startsWith('Patient/') ? 'Patient' : keys.get(value) ?? `nothing (${value})`;
        } else {
            out[key] = plain(value, keys, key);
        }
    }
    return out;
}

const expected = read(expectedFile);
const server = read(serverFile).filter((r) => r.resourceType !== 'Patient' && r.resourceType !== 'Practitioner');
const faults = [];
const ours = new Map(expected.map((r) => [`${r.resourceType}/${r.id}`, keyOf(r)]));
const theirs = new Map(server.map((r) => [`${r.resourceType}/${r.id}`, keyOf(r)]));
const waiting = new Set(held.filter((it) => it.identifier).map((it) => `${it.type} ${it.identifier.split('|').pop()}`));
// What has no identifier of its own (Provenance) is counted by type.
const nameless = {};
held.filter((it) => it.type && !it.identifier).forEach((it) => { nameless[it.type] = (nameless[it.type] ?? 0) + 1; });
const found = new Map();
for (const r of server) {
    const key = keyOf(r);
    if (found.has(key)) {
        faults.push(`twice: ${key}`);
    }
    found.set(key, r);
}
for (const r of expected) {
    const key = keyOf(r);
    const there = found.get(key);
    found.delete(key);
    if (waiting.has(key) || (wanted && !wanted.has(r.resourceType) && !there)) {
        continue;
    }
    if (!there && !r.identifier && nameless[r.resourceType] > 0) {
        nameless[r.resourceType]--;
        continue;
    }
    if (!there) {
        faults.push(`missing: ${key}`);
        continue;
    }
    // A reference to something that is held is a logical one, with the identifier.
    const text = (x, keys) => JSON.stringify(plain(x, keys));
    if (!held.length && !wanted && text(r, ours) !== text(there, theirs)) {
        faults.push(`differs: ${key}\n  record: ${text(r, ours)}\n  server: ${text(there, theirs)}`);
    }
}
for (const key of found.keys()) {
    faults.push(`not ours: ${key}`);
}
faults.slice(0, 20).forEach((it) => console.log(it));
console.log(`${expected.length} expected, ${server.length} at the server, ${held.filter((it) => it.type).length} held or waiting, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
