// SPDX-License-Identifier: Apache-2.0
// What the server says of itself in /metadata, and the answers the rest of it derives from that statement.

const written =
    'CarePlan Goal Observation Condition QuestionnaireResponse CareTeam Encounter Procedure RelatedPerson ' +
    'MedicationStatement ServiceRequest Flag Consent Provenance';
const readOnly = 'Patient Practitioner';

const tokens = ['_id', 'identifier', 'status', 'code', 'category', 'clinical-status', 'lifecycle-status'];

function searchParams(type, patient) {
    const list = tokens.map((name) => ({ name, type: 'token' }));
    list.push({ name: '_lastUpdated', type: 'date' }, { name: 'date', type: 'date' });
    if (patient) {
        list.push({ name: 'patient', type: 'reference' }, { name: 'subject', type: 'reference' });
    }
    if (type === 'Patient' || type === 'Practitioner') {
        list.push({ name: 'family', type: 'string' }, { name: 'name', type: 'string' });
        list.push({ name: 'birthdate', type: 'date' });
    }
    return list;
}

function resourceOf(type, codes, options) {
    const writes = codes.includes('create');
    return {
        type,
        interaction: codes.map((code) => ({ code })),
        versioning: 'versioned-update',
        readHistory: true,
        updateCreate: writes && options.clientIds,
        conditionalCreate: writes && options.conditionalCreate,
        conditionalUpdate: false,
        conditionalDelete: 'not-supported',
        searchParam: searchParams(type, writes),
    };
}

// The server's own CapabilityStatement.
export function ownStatement(options) {
    const reads = ['read', 'vread', 'history-instance', 'search-type'];
    const writes = ['create', 'update', 'delete', ...reads];
    const system = [];
    if (options.transaction) {
        system.push({ code: 'transaction' });
    }
    if (options.batch) {
        system.push({ code: 'batch' });
    }
    return {
        resourceType: 'CapabilityStatement',
        status: 'active',
        date: '2026-01-01',
        kind: 'instance',
        fhirVersion: '4.0.1',
        format: ['json', 'application/fhir+json'],
        software: { name: 'iptfhir test EHR' },
        implementation: { description: 'FHIR R4 server of the demo and the scenario tests' },
        rest: [
            {
                mode: 'server',
                interaction: system,
                resource: [
                    ...readOnly.split(' ').map((type) => resourceOf(type, reads, options)),
                    ...written.split(' ').map((type) => resourceOf(type, writes, options)),
                ],
            },
        ],
    };
}

// Questions to a statement; a foreign one also decides which search parameters exist.
export function readStatement(statement, foreign) {
    const rest = statement.rest?.find((it) => it.mode === 'server') ?? statement.rest?.[0] ?? {};
    const types = new Map((rest.resource ?? []).map((it) => [it.type, it]));
    const codes = new Map();
    for (const [type, it] of types) {
        codes.set(type, new Set((it.interaction ?? []).map((one) => one.code)));
    }
    const system = new Set((rest.interaction ?? []).map((it) => it.code));
    return {
        statement,
        knows: (type) => types.has(type),
        allows: (type, interaction) => codes.get(type)?.has(interaction) ?? false,
        conditionalCreate: (type) => types.get(type)?.conditionalCreate === true,
        updateCreate: (type) => types.get(type)?.updateCreate === true,
        system: (code) => system.has(code),
        unknownParam(type, names) {
            const list = foreign && types.get(type)?.searchParam;
            if (!list) {
                return undefined;
            }
            const known = new Set(list.map((it) => it.name));
            return names.find((name) => !name.startsWith('_') && !known.has(name.split(/[:.]/)[0]));
        },
    };
}
