// SPDX-License-Identifier: Apache-2.0
// The control interface below /__control: faults, statistics, and changes made at the hospital's side.

import { Exchange } from './answer.mjs';
import { identifiersOf } from './repository.mjs';

// Resources from NDJSON, a JSON array, a Bundle, or one resource.
export function readResources(text) {
    let value;
    try {
        value = JSON.parse(text);
    } catch {
        return text
            .split('\n')
            .filter((line) => line.trim() !== '')
            .map((line) => JSON.parse(line));
    }
    if (Array.isArray(value)) {
        return value;
    }
    return value.resourceType === 'Bundle' ? (value.entry ?? []).map((it) => it.resource) : [value];
}

// Identities that more than one resource of a type carries.
function duplicatesIn(repo) {
    const seen = new Map();
    for (const resource of repo.all()) {
        for (const { system, value } of identifiersOf(resource)) {
            const key = JSON.stringify([resource.resourceType, `${system}|${value}`]);
            seen.set(key, (seen.get(key) ?? 0) + 1);
        }
    }
    return [...seen]
        .filter(([, n]) => n > 1)
        .map(([key, n]) => {
            const [type, identifier] = JSON.parse(key);
            return { type, identifier, count: n };
        });
}

function* referencesIn(node) {
    if (Array.isArray(node)) {
        for (const item of node) {
            yield* referencesIn(item);
        }
    } else if (node && typeof node === 'object') {
        if (typeof node.reference === 'string') {
            yield node.reference;
        }
        for (const value of Object.values(node)) {
            yield* referencesIn(value);
        }
    }
}

// References that lead nowhere: relative ones without their resource, and placeholders that stayed.
function danglingIn(repo) {
    const out = [];
    for (const resource of repo.all()) {
        for (const reference of referencesIn(resource)) {
            const [type, id] = reference.split('/');
            const relative = /^[A-Z][A-Za-z]+\/[^/?]+$/.test(reference);
            if (reference.startsWith('urn:uuid:') || reference.includes('?') || (relative && !repo.stored(type, id))) {
                out.push({ type: resource.resourceType, id: resource.id, reference });
            }
        }
    }
    return out;
}

export class Control {
    constructor(parts) {
        Object.assign(this, parts);
    }

    stats(query) {
        const { repo, service } = this;
        const resources = {};
        for (const resource of repo.all()) {
            resources[resource.resourceType] = (resources[resource.resourceType] ?? 0) + 1;
        }
        const out = {
            requests: service.requests,
            statuses: service.statuses,
            protocols: service.protocols,
            entries: service.entries,
            bundles: service.bundles,
            connections: service.connections,
            active: service.active,
            maxActive: service.maxActive,
            overlaps: service.overlaps,
            mutations: service.mutations,
            resources,
            duplicates: duplicatesIn(repo),
            faults: this.faults.stats(),
        };
        const text = query.get('contains');
        if (text !== null) {
            out.contains = [...repo.all()].filter((it) => JSON.stringify(it).includes(text)).length;
        }
        if (query.has('dangling')) {
            out.dangling = danglingIn(repo);
        }
        return out;
    }

    async run(method, name, query, text) {
        const { repo, service, faults } = this;
        const call = `${method} ${name}`;
        switch (call) {
            case 'GET stats':
                return this.stats(query);
            case 'POST faults':
                faults.set(JSON.parse(text));
                return { rules: faults.stats().length };
            case 'POST reset':
                faults.set([]);
                service.reset();
                return {};
            case 'POST edit': {
                const { type, id, patch } = JSON.parse(text);
                const edited = await service.locked(() => repo.edit(type, id, patch));
                return { id: edited.id, version: edited.meta.versionId };
            }
            case 'POST delete': {
                const { type, id } = JSON.parse(text);
                await service.locked(() => repo.drop(type, id));
                return {};
            }
            case 'POST patients': {
                const list = readResources(text);
                for (const resource of list) {
                    await service.locked(() => repo.load(resource));
                }
                return { loaded: list.length };
            }
            default:
                return undefined;
        }
    }

    async handle(req, res) {
        const exchange = new Exchange(req, res);
        const url = new URL(req.url, 'https://localhost');
        const name = url.pathname.slice('/__control/'.length);
        const text = await exchange.body(256 * 1024 * 1024);
        if (req.method === 'GET' && name === 'resources') {
            const lines = [...this.repo.all(url.searchParams.get('type') ?? undefined)];
            const body = lines.map((it) => JSON.stringify(it) + '\n').join('');
            exchange.send(200, { 'content-type': 'application/x-ndjson' }, body);
            return;
        }
        const headers = { 'content-type': 'application/json' };
        try {
            const answer = await this.run(req.method, name, url.searchParams, text);
            const found = answer !== undefined;
            exchange.send(found ? 200 : 404, headers, JSON.stringify(found ? answer : { error: 'no such control' }));
        } catch (error) {
            exchange.send(400, headers, JSON.stringify({ error: error.message, outcome: error.outcome }));
        }
    }
}
