// SPDX-License-Identifier: Apache-2.0
// The FHIR interface over HTTP: what Medplum's router leaves to its host (headers, statuses, the
// capabilities, the switched-off features), with the faults around it.

import { Exchange, json } from './answer.mjs';
import { identifiersOf, outcomeOf } from './repository.mjs';

const base = '/fhir/R4';
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// "POST /Observation", "PUT /Observation/{id}", "POST /Patient/_search": a request without its values.
function requestKey(method, route) {
    const parts = route.split('?')[0].split('/').filter(Boolean);
    if (parts[1] && parts[1] !== '_search') {
        parts[1] = '{id}';
    }
    if (parts[3]) {
        parts[3] = '{vid}';
    }
    return `${method} /${parts.join('/')}`;
}

function count(table, key) {
    table[key] = (table[key] ?? 0) + 1;
}

export class FhirService {
    constructor(parts) {
        Object.assign(this, parts);
        this.router = new this.medplum.router.FhirRouter();
        this.tail = Promise.resolve();
        this.creating = new Map();
        this.reset();
    }

    reset() {
        this.requests = {};
        this.statuses = {};
        this.protocols = {};
        this.entries = {};
        this.bundles = { transaction: 0, batch: 0, mostEntries: 0, mostBytes: 0 };
        this.mutations = 0;
        this.active = 0;
        this.maxActive = 0;
        this.overlaps = 0;
        this.connections = 0;
        this.seen = new WeakSet();
    }

    // One request after the other through the router, so that a transaction is alone while it runs.
    locked(work) {
        if (this.options.racy) {
            return work();
        }
        const run = this.tail.then(work);
        this.tail = run.catch(() => {});
        return run;
    }

    committed({ op, resource }, counted) {
        if (counted) {
            this.mutations += 1;
        }
        this.journal({
            mutation: op,
            by: counted ? 'client' : 'server',
            type: resource.resourceType,
            id: resource.id,
            version: resource.meta?.versionId,
            identifiers: identifiersOf(resource).map((it) => `${it.system}|${it.value}`),
        });
    }

    async handle(req, res) {
        const exchange = new Exchange(req, res);
        const route = req.url.startsWith(base) ? req.url.slice(base.length) || '/' : undefined;
        const pathOnly = req.url.split('?')[0];
        count(this.requests, requestKey(req.method, route ?? req.url));
        count(this.protocols, req.httpVersion);
        const connection = req.stream?.session ?? req.socket;
        if (!this.seen.has(connection)) {
            this.seen.add(connection);
            this.connections += 1;
        }
        this.active += 1;
        this.maxActive = Math.max(this.maxActive, this.active);
        let over = false;
        const done = () => {
            if (!over) {
                over = true;
                this.active -= 1;
                count(this.statuses, String(exchange.status));
                this.journal({ method: req.method, path: pathOnly, status: exchange.status });
            }
        };
        res.on('finish', done);
        res.on('close', done);
        await this.answer(exchange, route);
    }

    // Runs the request through whatever fault is due for it.
    async answer(exchange, route) {
        const { req } = exchange;
        const bundle = this.faults.lookInside ? await this.bundleOf(exchange, route) : undefined;
        const rule = this.faults.forRequest(req.method, route ?? req.url, bundle) ?? {};
        const headers = { 'content-type': json, ...rule.headers };
        const body = typeof rule.body === 'object' ? JSON.stringify(rule.body) : rule.body;
        switch (rule.action) {
            case 'drop-before':
                return exchange.kill();
            case 'early-status':
                return exchange.sendEarly(rule.status ?? 413, headers, body ?? this.refusal(rule.status ?? 413), rule.rate);
            case 'status':
                await exchange.body(this.options.maxBody);
                return exchange.send(rule.status ?? 503, headers, body ?? this.refusal(rule.status ?? 503));
            case 'garbage':
                await exchange.body(this.options.maxBody);
                return exchange.send(200, { 'content-type': 'text/html', ...rule.headers }, body ?? '<html><body>Sign in</body></html>');
            case 'hang':
                await exchange.body(this.options.maxBody);
                return undefined;
            case 'big':
                await exchange.body(this.options.maxBody);
                return exchange.sendBig(rule.bytes ?? 256 * 1024 * 1024);
            case 'delay-ms':
                await sleep(rule.ms ?? 1000);
                break;
            default:
                break;
        }
        const result = await this.process(exchange, route);
        switch (rule.action) {
            case 'drop-after':
                return exchange.kill();
            case 'hang-after':
                return undefined;
            case 'drop-mid-answer':
                return exchange.sendPart(result.status, result.headers, result.text, rule.bytes);
            default:
                return exchange.send(result.status, result.headers, result.text);
        }
    }

    // The bundle that a request brings, for rules that look inside; undefined when it is none.
    async bundleOf(exchange, route) {
        if (exchange.req.method !== 'POST' || route !== '/') {
            return undefined;
        }
        const text = await exchange.body(this.options.maxBody);
        try {
            const bundle = JSON.parse(text);
            this.countBundle(exchange, bundle, text);
            return bundle;
        } catch {
            return undefined;
        }
    }

    refusal(status) {
        return JSON.stringify(outcomeOf(status, status === 429 ? 'throttled' : 'processing', `refused with ${status}`));
    }

    failure(status, code, text) {
        return this.result(outcomeOf(status, code, text), undefined, {});
    }

    // Status, headers and text of an outcome with its resource.
    result(outcome, resource, { method, prefer }) {
        const fixed = /^status-(\d+)$/.exec(outcome.id ?? '');
        const status = fixed ? Number(fixed[1]) : this.medplum.core.getStatus(outcome);
        const headers = { 'content-type': json };
        if (!resource) {
            return { status, headers, text: JSON.stringify(outcome) };
        }
        if (resource.meta?.versionId) {
            headers.etag = `W/"${resource.meta.versionId}"`;
            headers['last-modified'] = new Date(resource.meta.lastUpdated).toUTCString();
            if (method === 'POST' || method === 'PUT') {
                const { resourceType, id, meta } = resource;
                headers.location = `${this.origin}${base}/${resourceType}/${id}/_history/${meta.versionId}`;
            }
        }
        const minimal = prefer === 'return=minimal' && (method === 'POST' || method === 'PUT') && resource.resourceType !== 'Bundle';
        return { status, headers, text: minimal ? '' : JSON.stringify(resource) };
    }

    // Reads the body and gives the request to the router.
    async process(exchange, route) {
        const { req } = exchange;
        if (route === undefined) {
            return this.failure(404, 'not-found', `FHIR is served below ${base}`);
        }
        if (this.options.bearer && req.headers.authorization !== `Bearer ${this.options.bearer}`) {
            return this.failure(401, 'login', 'an access token is needed');
        }
        const parts = route.split('?')[0].split('/').filter(Boolean);
        this.origin = `${this.options.http ? 'http' : 'https'}://${req.headers.host ?? req.headers[':authority']}`;
        const text = await exchange.body(this.options.maxBody);
        if (text === undefined) {
            return this.failure(413, 'too-long', 'the request body is too long');
        }
        if (req.method === 'GET' && parts[0] === 'metadata') {
            return { status: 200, headers: { 'content-type': json }, text: JSON.stringify(this.capability.statement) };
        }
        let body;
        try {
            body = this.parseBody(req, text, parts[1] === '_search');
        } catch {
            return this.failure(400, 'structure', 'the request body is not JSON');
        }
        if (req.method === 'POST' && parts.length === 0) {
            this.countBundle(exchange, body, text);
        }
        const refused = this.refused(req.method, route, parts, body);
        if (refused) {
            return refused;
        }
        const release = this.watchCreates(parts, req.method, body);
        try {
            return await this.locked(() => this.route(req, route, parts, body));
        } finally {
            release();
        }
    }

    parseBody(req, text, isSearch) {
        if (isSearch && req.method === 'POST') {
            const query = {};
            const params = new URLSearchParams(text);
            for (const key of new Set(params.keys())) {
                const all = params.getAll(key);
                query[key] = all.length === 1 ? all[0] : all;
            }
            return query;
        }
        return text === '' ? undefined : JSON.parse(text);
    }

    // What the CapabilityStatement doesn't offer, refused before the router sees it.
    refused(method, route, parts, body) {
        const [type, second] = parts;
        if (type === undefined) {
            if (method === 'POST' && (body?.type === 'transaction' || body?.type === 'batch') && !this.capability.system(body.type)) {
                return this.failure(400, 'not-supported', `this server takes no ${body.type}`);
            }
            return undefined;
        }
        if (!this.capability.knows(type)) {
            return this.failure(404, 'not-supported', `unknown resource type ${type}`);
        }
        const search = second === undefined || second === '_search';
        const codes = { POST: search && second ? 'search-type' : 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
        const interaction = codes[method] ?? (search ? 'search-type' : 'read');
        if (!this.capability.allows(type, interaction)) {
            return this.failure(405, 'not-supported', `${type} does not support ${interaction} on this server`);
        }
        if (interaction === 'search-type') {
            const names = second ? Object.keys(body ?? {}) : [...new URLSearchParams(route.split('?')[1] ?? '').keys()];
            const unknown = this.capability.unknownParam(type, names);
            if (unknown) {
                return this.failure(400, 'not-supported', `${type} has no search parameter ${unknown}`);
            }
        }
        if (method === 'POST' && interaction === 'create' && (body === null || typeof body !== 'object')) {
            return this.failure(400, 'structure', 'a resource is needed');
        }
        return undefined;
    }

    // Counts creates of one identity that are under way at the same time.
    watchCreates(parts, method, body) {
        const keys = [];
        if (method === 'POST' && body && parts[1] === undefined) {
            const made = parts.length ? [body] : (body.entry ?? []).filter((it) => it.request?.method === 'POST').map((it) => it.resource);
            for (const resource of made.filter(Boolean)) {
                for (const { system, value } of identifiersOf(resource)) {
                    keys.push(`${resource.resourceType} ${system}|${value}`);
                }
            }
        }
        for (const key of keys) {
            const now = (this.creating.get(key) ?? 0) + 1;
            this.creating.set(key, now);
            this.overlaps += now > 1 ? 1 : 0;
        }
        return () => {
            for (const key of keys) {
                const left = this.creating.get(key) - 1;
                if (left > 0) {
                    this.creating.set(key, left);
                } else {
                    this.creating.delete(key);
                }
            }
        };
    }

    async route(req, route, parts, body) {
        const isBundle = parts.length === 0;
        const headers = { ...req.headers };
        if (headers['if-match'] && !headers['if-match'].includes('"')) {
            headers['if-match'] = `W/"${headers['if-match']}"`;
        }
        if (parts.length === 1 && req.method === 'POST') {
            delete body.id; // the server gives the id
            if (!this.capability.conditionalCreate(parts[0])) {
                delete headers['if-none-exist'];
            }
        }
        if (parts.length === 2 && req.method === 'PUT' && !this.capability.updateCreate(parts[0])) {
            const known = await this.repo.readResource(parts[0], parts[1]).catch(() => undefined);
            if (!known) {
                return this.failure(405, 'not-supported', 'this server gives the ids of new resources');
            }
        }
        if (isBundle) {
            this.prepareBundle(body);
        }
        const request = { method: req.method, url: route, pathname: '', params: {}, query: {}, body, headers };
        request.config = { transactions: true };
        try {
            const [outcome, resource] = await this.router.handleRequest(request, this.repo);
            if (isBundle && resource) {
                this.finishBundle(resource);
            }
            return this.result(outcome, resource, { method: req.method, prefer: req.headers.prefer });
        } finally {
            this.repo.refuse = undefined;
        }
    }

    // Counts a bundle, once, and how large it was. What a fault refuses is counted when a rule looks inside.
    countBundle(exchange, bundle, text) {
        const { bundles } = this;
        if (exchange.counted) {
            return;
        }
        exchange.counted = true;
        count(bundles, bundle?.type);
        bundles.mostEntries = Math.max(bundles.mostEntries, bundle?.entry?.length ?? 0);
        bundles.mostBytes = Math.max(bundles.mostBytes, Buffer.byteLength(text));
    }

    prepareBundle(bundle) {
        for (const entry of bundle?.entry ?? []) {
            const type = (entry.request?.url ?? '').split(/[/?]/)[0];
            count(this.entries, `${entry.request?.method} ${type}`);
            if (entry.request?.ifNoneExist && !this.capability.conditionalCreate(type)) {
                delete entry.request.ifNoneExist;
            }
        }
        this.repo.refuse = (resource) => {
            const rule = this.faults.forEntry(resource);
            const status = rule?.status ?? 422;
            return rule && outcomeOf(status, status === 429 ? 'throttled' : 'processing', `entry refused with ${status}`);
        };
    }

    // Gives refused entries the status that a single request would have had.
    finishBundle(bundle) {
        for (const entry of bundle.entry ?? []) {
            const fixed = /^status-(\d+)$/.exec(entry?.response?.outcome?.id ?? '');
            if (fixed) {
                entry.response.status = fixed[1];
            }
        }
    }
}
