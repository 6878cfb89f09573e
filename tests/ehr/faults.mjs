// SPDX-License-Identifier: Apache-2.0
// Faults on demand: a list of rules, each with what it matches, how often it strikes, and what then happens.

const actions = new Set([
    'drop-before',
    'drop-after',
    'drop-mid-answer',
    'delay-ms',
    'status',
    'early-status',
    'hang',
    'hang-after',
    'garbage',
    'big',
    'entry-status',
]);

// Counts a match and says whether the rule strikes this time.
function strikes(rule) {
    rule.seen += 1;
    const { nth, every, times } = rule.match;
    const due =
        (nth === undefined || [].concat(nth).includes(rule.seen)) &&
        (every === undefined || rule.seen % every === 0) &&
        (times === undefined || rule.struck < times);
    if (due) {
        rule.struck += 1;
    }
    return due;
}

export class Faults {
    constructor() {
        this.rules = [];
    }

    // Takes a list of rules; throws an Error that says what is wrong with one.
    set(list) {
        this.rules = [].concat(list).map((given, i) => {
            const match = given.match ?? {};
            if (!actions.has(given.action)) {
                throw new Error(`rule ${i}: action must be one of ${[...actions].join(', ')}`);
            }
            if ((given.action === 'entry-status') !== (match.bundleEntry !== undefined)) {
                throw new Error(`rule ${i}: entry-status and match.bundleEntry go together`);
            }
            return {
                ...given,
                match,
                path: new RegExp(match.pathRegex ?? ''),
                entry: match.bundleEntry === undefined ? undefined : new RegExp(match.bundleEntry),
                seen: 0,
                struck: 0,
            };
        });
    }

    // Whether a rule asks how many entries a bundle has, or which kind it is.
    get lookInside() {
        return this.rules.some(({ match }) => match.minEntries !== undefined || match.bundleType !== undefined);
    }

    // The first rule that strikes a request; the path is below the base, with its query. `bundle` is needed when a rule looks inside.
    forRequest(method, path, bundle) {
        for (const rule of this.rules) {
            const { minEntries, bundleType } = rule.match;
            if (rule.entry || (rule.match.method && rule.match.method !== method) || !rule.path.test(path)) {
                continue;
            }
            if (minEntries !== undefined && !((bundle?.entry?.length ?? 0) >= minEntries)) {
                continue;
            }
            if (bundleType !== undefined && bundle?.type !== bundleType) {
                continue;
            }
            if (strikes(rule)) {
                return rule;
            }
        }
        return undefined;
    }

    // The first rule that strikes a resource inside a bundle.
    forEntry(resource) {
        const rules = this.rules.filter((rule) => rule.entry);
        if (!rules.length) {
            return undefined;
        }
        const text = JSON.stringify(resource);
        return rules.find((rule) => rule.entry.test(text) && strikes(rule));
    }

    stats() {
        return this.rules.map(({ action, match, seen, struck }) => ({ action, match, seen, struck }));
    }
}
