// SPDX-License-Identifier: Apache-2.0
// The server's memory: Medplum's MemoryRepository with what a real server adds to it, that is validation,
// an index over identifiers and subjects, transactions that roll back, and a record of every commit.

import { bindingIssues } from './bindings.mjs';

// An outcome that the HTTP side answers with the given status (it reads the status from the outcome's id).
export function outcomeOf(status, code, text, expression) {
    const issue = { severity: 'error', code, details: { text }, diagnostics: text };
    if (expression) {
        issue.expression = [expression];
    }
    return { resourceType: 'OperationOutcome', id: `status-${status}`, issue: [issue] };
}

// Every "system|value" of a resource's identifiers, in the form the index uses.
export function identifiersOf(resource) {
    let list = resource.identifier ?? [];
    if (!Array.isArray(list)) {
        list = [list];
    }
    return list.filter((it) => it && it.value).map((it) => ({ system: it.system ?? '', value: it.value }));
}

function tokensOf(resource) {
    const out = [];
    for (const { system, value } of identifiersOf(resource)) {
        out.push(`${system}|${value}`.toLowerCase(), value.toLowerCase());
    }
    return out;
}

function subjectOf(resource) {
    return resource.subject?.reference ?? resource.patient?.reference;
}

// A map of sets: type + key -> ids.
class Index {
    constructor() {
        this.sets = new Map();
    }
    add(type, key, id) {
        const name = `${type} ${key}`;
        let set = this.sets.get(name);
        if (!set) {
            this.sets.set(name, (set = new Set()));
        }
        set.add(id);
    }
    remove(type, key, id) {
        const name = `${type} ${key}`;
        const set = this.sets.get(name);
        set?.delete(id);
        if (set?.size === 0) {
            this.sets.delete(name);
        }
    }
    get(type, key) {
        return this.sets.get(`${type} ${key}`) ?? new Set();
    }
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export function makeRepository(medplum, options) {
    const { core, router } = medplum;

    class Repository extends router.MemoryRepository {
        constructor() {
            super();
            this.identifiers = new Index();
            this.subjects = new Index();
            this.undo = undefined; // list of functions while a transaction runs
            this.commits = undefined; // what the transaction will have committed
            this.refuse = undefined; // set by the bundle handler: resource -> outcome or undefined
            this.allows = () => true; // (type, interaction) -> boolean
            this.onCommit = () => {};
            this.counting = true; // false while the server's own data is loaded or edited
        }

        stored(type, id) {
            return this.resources.get(type)?.get(id);
        }

        *all(type) {
            const types = type ? [type] : [...this.resources.keys()];
            for (const name of types) {
                yield* this.resources.get(name)?.values() ?? [];
            }
        }

        index(resource, add) {
            const { resourceType: type, id } = resource;
            const change = add ? 'add' : 'remove';
            for (const token of tokensOf(resource)) {
                this.identifiers[change](type, token, id);
            }
            const subject = subjectOf(resource);
            if (subject) {
                this.subjects[change](type, subject, id);
            }
        }

        check(resource) {
            let issues;
            try {
                issues = core.validateResource(resource);
            } catch (error) {
                issues = error.outcome?.issue ?? [{ severity: 'error', code: 'invalid', diagnostics: String(error) }];
            }
            issues = [...(issues ?? []), ...bindingIssues(resource)].filter((it) => it.severity === 'error');
            if (issues.length) {
                throw new core.OperationOutcomeError({
                    resourceType: 'OperationOutcome',
                    id: 'status-422',
                    issue: issues,
                });
            }
        }

        guard(resource, interaction) {
            const type = resource.resourceType;
            if (this.counting && !this.allows(type, interaction)) {
                const text = `${type} does not support ${interaction} on this server`;
                throw new core.OperationOutcomeError(outcomeOf(405, 'not-supported', text));
            }
            const refused = this.refuse?.(resource);
            if (refused) {
                throw new core.OperationOutcomeError(refused);
            }
            this.check(resource);
        }

        // Stores a checked resource and remembers how to take it back.
        async put(resource, op) {
            const { resourceType: type, id } = resource;
            const before = id ? this.stored(type, id) : undefined;
            const result = await super.createResource(resource);
            const now = this.stored(type, result.id);
            if (before) {
                this.index(before, false);
            }
            this.index(now, true);
            this.undo?.push(() => {
                this.index(now, false);
                this.history.get(type).get(result.id).pop();
                if (before) {
                    this.resources.get(type).set(result.id, before);
                    this.index(before, true);
                } else {
                    this.resources.get(type).delete(result.id);
                }
            });
            this.committed({ op, resource: now });
            return result;
        }

        committed(entry) {
            if (this.commits) {
                this.commits.push(entry);
            } else {
                this.onCommit(entry, this.counting);
            }
        }

        async createResource(resource) {
            this.guard(resource, 'create');
            if (options.racy) {
                await sleep(options.racy);
            }
            const copy = { ...resource };
            if (copy.meta) {
                copy.meta = { ...copy.meta, versionId: undefined, lastUpdated: undefined };
            }
            return this.put(copy, 'create');
        }

        async updateResource(resource, opts) {
            this.guard(resource, 'update');
            const existing = this.stored(resource.resourceType, resource.id);
            if (opts?.ifMatch) {
                if (!existing) {
                    throw new core.OperationOutcomeError(core.notFound);
                }
                if (existing.meta.versionId !== opts.ifMatch) {
                    throw new core.OperationOutcomeError(core.preconditionFailed);
                }
            }
            const meta = { ...resource.meta, versionId: undefined, lastUpdated: undefined };
            return this.put({ ...resource, meta }, existing ? 'update' : 'create');
        }

        async deleteResource(type, id) {
            if (this.counting && !this.allows(type, 'delete')) {
                const text = `${type} does not support delete on this server`;
                throw new core.OperationOutcomeError(outcomeOf(405, 'not-supported', text));
            }
            const before = this.stored(type, id);
            await super.deleteResource(type, id);
            this.index(before, false);
            this.undo?.push(() => {
                this.resources.get(type).set(id, before);
                this.index(before, true);
            });
            this.committed({ op: 'delete', resource: { resourceType: type, id } });
        }

        // Resources that can match at all, by the cheapest index the search allows; undefined: look at all.
        candidates(request) {
            const type = request.resourceType;
            for (const filter of request.filters ?? []) {
                const values = filter.value.split(',');
                if (filter.operator !== 'eq') {
                    continue;
                }
                if (filter.code === 'identifier' && values.every((it) => !/(^\||\|$)/.test(it))) {
                    return values.map((it) => this.identifiers.get(type, it.toLowerCase()));
                }
            }
            if (type === 'Provenance') {
                return undefined; // its patient search goes through target
            }
            for (const filter of request.filters ?? []) {
                if ((filter.code === 'patient' || filter.code === 'subject') && filter.operator === 'eq') {
                    return filter.value.split(',').map((it) => this.subjects.get(type, it));
                }
            }
            return undefined;
        }

        // The stock search, shown only the candidates (its body runs to the end without waiting).
        search(request) {
            const sets = this.candidates(request);
            if (!sets) {
                return super.search(request);
            }
            const type = request.resourceType;
            const few = new Map();
            for (const set of sets) {
                for (const id of set) {
                    few.set(id, this.stored(type, id));
                }
            }
            const whole = this.resources;
            this.resources = new Map([[type, few]]);
            try {
                return super.search(request);
            } finally {
                this.resources = whole;
            }
        }

        // Runs the callback; when it fails, everything it stored is taken back.
        async withTransaction(callback) {
            if (this.undo || options.racy) {
                return callback(undefined);
            }
            this.undo = [];
            this.commits = [];
            try {
                const result = await callback(undefined);
                const commits = this.commits;
                this.commits = undefined;
                commits.forEach((entry) => this.onCommit(entry, this.counting));
                return result;
            } catch (error) {
                this.undo.reverse().forEach((back) => back());
                throw error;
            } finally {
                this.undo = undefined;
                this.commits = undefined;
            }
        }

        // Stores the server's own data as it is: past the FHIR interface, with an id if it has none.
        async load(resource) {
            this.counting = false;
            try {
                this.check(resource);
                return await this.put(resource, this.stored(resource.resourceType, resource.id) ? 'update' : 'create');
            } finally {
                this.counting = true;
            }
        }

        // Puts back a resource of an earlier run, version and all.
        restore(resource) {
            return this.put(resource, 'create');
        }

        // A change made at the hospital: merges the patch's members into the resource, null removes one.
        async edit(type, id, patch) {
            const before = this.stored(type, id);
            if (!before) {
                throw new core.OperationOutcomeError(core.notFound);
            }
            const meta = { ...before.meta, versionId: undefined, lastUpdated: undefined };
            const after = { ...before, ...patch, resourceType: type, id, meta };
            for (const key of Object.keys(after)) {
                if (after[key] === null) {
                    delete after[key];
                }
            }
            return this.load(after);
        }

        async drop(type, id) {
            this.counting = false;
            try {
                await this.deleteResource(type, id);
            } finally {
                this.counting = true;
            }
        }
    }

    return new Repository();
}
