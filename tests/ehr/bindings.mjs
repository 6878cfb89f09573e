// SPDX-License-Identifier: Apache-2.0
// Codes that R4 binds as required: the status-like elements of the types that an IPT clinic writes.

const careStatus = 'draft active on-hold revoked completed entered-in-error unknown';
const eventStatus = 'preparation in-progress not-done on-hold stopped completed entered-in-error unknown';

// type -> path -> codes; a path ends in a code, or in a CodeableConcept whose codings must be among the codes.
const tables = {
    CarePlan: {
        status: careStatus,
        intent: 'proposal plan order option',
        'activity.detail.status':
            'not-started scheduled in-progress on-hold completed cancelled stopped unknown entered-in-error',
    },
    CareTeam: { status: 'proposed active suspended inactive entered-in-error' },
    Condition: {
        clinicalStatus: 'active recurrence relapse inactive remission resolved',
        verificationStatus: 'unconfirmed provisional differential confirmed refuted entered-in-error',
    },
    Consent: { status: 'draft proposed active rejected inactive entered-in-error' },
    DocumentReference: { status: 'current superseded entered-in-error' },
    Encounter: {
        status: 'planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown',
    },
    Flag: { status: 'active inactive entered-in-error' },
    Goal: {
        lifecycleStatus:
            'proposed planned accepted active on-hold completed cancelled entered-in-error rejected',
    },
    MedicationStatement: {
        status: 'active completed entered-in-error intended stopped on-hold unknown not-taken',
    },
    Observation: {
        status: 'registered preliminary final amended corrected cancelled entered-in-error unknown',
        'component.valueQuantity.comparator': '< <= >= >',
        'valueQuantity.comparator': '< <= >= >',
    },
    Patient: { gender: 'male female other unknown' },
    Procedure: { status: eventStatus },
    Provenance: { 'entity.role': 'derivation revision quotation source removal' },
    QuestionnaireResponse: { status: 'in-progress completed amended entered-in-error stopped' },
    RelatedPerson: { gender: 'male female other unknown' },
    ServiceRequest: {
        status: careStatus,
        intent:
            'proposal plan directive order original-order reflex-order filler-order instance-order option',
        priority: 'routine urgent asap stat',
    },
};

const common = {
    'identifier.use': 'usual official temp secondary old',
    'text.status': 'generated extensions additional empty',
};

// Every value at a dotted path, lists flattened, with where it stands.
function* valuesAt(node, path, where) {
    if (node === undefined || node === null) {
        return;
    }
    if (Array.isArray(node)) {
        for (const [i, item] of node.entries()) {
            yield* valuesAt(item, path, `${where}[${i}]`);
        }
    } else if (path.length === 0) {
        yield { value: node, where };
    } else {
        yield* valuesAt(node[path[0]], path.slice(1), `${where}.${path[0]}`);
    }
}

const compiled = Object.fromEntries(
    Object.entries(tables).map(([type, table]) => [
        type,
        Object.entries({ ...common, ...table }).map(([path, codes]) => [path.split('.'), new Set(codes.split(' '))]),
    ])
);

// Issues for every code outside its value set.
export function bindingIssues(resource) {
    const issues = [];
    const type = resource.resourceType;
    for (const [path, codes] of compiled[type] ?? []) {
        for (const { value, where } of valuesAt(resource, path, type)) {
            const given = typeof value === 'object' ? (value.coding ?? []).map((it) => it.code) : [value];
            for (const code of given.filter((it) => !codes.has(it))) {
                const text = `the code "${code}" is not in the required value set of ${path.join('.')}`;
                issues.push({
                    severity: 'error',
                    code: 'code-invalid',
                    details: { text },
                    diagnostics: text,
                    expression: [where],
                });
            }
        }
    }
    return issues;
}
