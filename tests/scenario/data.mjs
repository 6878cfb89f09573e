// SPDX-License-Identifier: Apache-2.0
// The scenarios' small clinic, and the few things that shell can't do with JSON:
//   data.mjs records N             N records as NDJSON
//   data.mjs patients N            the hospital's Patients for them, as NDJSON
//   data.mjs change FILE ID CODE   runs CODE on the record `r` of the id and writes the file anew
//   data.mjs get EXPRESSION        a value of the JSON `it` on stdin
// Everybody in here is made up.

import fs from 'node:fs';

const system = 'urn:oid:1.2.3.4.5.6.7';
const families = ['Okafor', 'Lindqvist', 'Ibáñez', 'Tanaka', 'Moreau', 'Novák', 'Haddad', 'Brandt'];

const personOf = (i) => ({
    mrn: `MRN70${i}`,
    family: families[(i - 1) % families.length],
    birthDate: `19${60 + (i % 30)}-0${1 + (i % 9)}-1${i % 10}`,
});

// Nine answers that depend on patient and week alone.
const answers = (i, week) => Object.fromEntries(
    Array.from({ length: 9 }, (_, k) => [`phq9_${k + 1}`, k === 8 ? 0 : Math.max(0, ((i + k) % 3) + 1 - Math.floor(week / 6))]));

export function measure(i, week) {
    const items = answers(i, week);
    return {
        id: `M-${week}`,
        instrument: 'PHQ-9',
        timepointWeek: week,
        administeredAt: new Date(Date.UTC(2025, 0, 6 + 7 * week, 10)).toISOString().replace('.000Z', 'Z'),
        reportedBy: 'patient',
        items,
        total: Object.values(items).reduce((a, b) => a + b, 0),
        totalSource: 'source',
    };
}

function recordOf(i) {
    const { mrn, family, birthDate } = personOf(i);
    return {
        schemaVersion: '1.0',
        recordId: `REC-${i}`,
        source: { system: 'redcap', project: 'scenario', sourceId: `${i}`, extractedAt: '2025-06-02T03:10:00Z' },
        patient: { localId: `P-${i}`, identifiers: [{ system, value: mrn, type: 'MR' }], familyName: family, birthDate },
        organization: { name: 'Scenario IPT Practice' },
        therapist: { localId: 'T-1', familyName: 'Amari', givenNames: ['Noor'] },
        consents: [{
            id: 'C-1',
            status: 'active',
            signedAt: '2025-01-02',
            recipient: 'Metro General Hospital',
            dataClasses: ['plan', 'goals', 'measure-totals', 'measure-items', 'diagnoses', 'encounters', 'medication-statement', 'care-team'],
        }],
        diagnoses: [{ id: 'D-1', icd10cm: 'F33.1', text: 'Major depressive disorder, recurrent, moderate', role: 'primary', clinicalStatus: 'active', verification: 'confirmed' }],
        course: {
            id: 'CRS-1', status: 'active', format: 'individual', start: '2025-01-06', plannedWeeks: 16,
            phases: [{ phase: 'initial', start: '2025-01-06', end: '2025-01-27' }],
            problemAreas: [{ code: 'role-dispute', rank: 1 }],
            monitoring: { instrument: 'PHQ-9', weeks: [0, 4, 8, 12, 16] },
        },
        goals: [{
            id: 'G-1', category: 'symptom', text: 'Reach a PHQ-9 total below 5', start: '2025-01-06', lifecycle: 'active', achievement: 'improving', statusDate: '2025-02-03',
            targets: [{ measureLoinc: '44261-6', comparator: '<', value: 5, unit: '{score}', due: '2025-04-28' }],
            addresses: ['D-1'],
        }],
        sessions: [{ id: 'SES-1', number: 1, phase: 'initial', start: '2025-01-06T10:00:00Z', end: '2025-01-06T11:00:00Z', status: 'finished', format: 'individual', mode: 'in-person', attendees: ['patient'], measures: ['M-0'] }],
        measures: [measure(i, 0), measure(i, 4)],
    };
}

function patientOf(i) {
    const { mrn, family, birthDate } = personOf(i);
    return { resourceType: 'Patient', id: `pat-${i}`, active: true, identifier: [{ system, value: mrn }], name: [{ family }], birthDate };
}

const [verb, ...args] = process.argv.slice(2);
const lines = (make, n) => Array.from({ length: n }, (_, k) => JSON.stringify(make(k + 1)) + '\n').join('');
const write = (file, text) => {
    fs.writeFileSync(`${file}.new`, text);
    fs.renameSync(`${file}.new`, file);
};
switch (verb) {
    case 'records':
        process.stdout.write(lines(recordOf, Number(args[0])));
        break;
    case 'patients':
        process.stdout.write(lines(patientOf, Number(args[0])));
        break;
    case 'change': {
        const [file, id, code] = args;
        const change = new Function('r', 'measure', code);
        const out = fs.readFileSync(file, 'latin1').split('\n').map((line) => {
            try {
                const r = JSON.parse(Buffer.from(line, 'latin1').toString('utf8'));
                if (id !== '*' && r.recordId !== id) {
                    return line;
                }
                change(r, measure);
                return Buffer.from(JSON.stringify(r), 'utf8').toString('latin1');
            } catch (error) {
                if (error instanceof SyntaxError) {
                    return line; // broken on purpose
                }
                throw error;
            }
        });
        write(file, Buffer.from(out.join('\n'), 'latin1'));
        break;
    }
    case 'get': {
        const value = new Function('it', `return ${args[0]}`)(JSON.parse(fs.readFileSync(0, 'utf8')));
        console.log(typeof value === 'object' ? JSON.stringify(value) : String(value));
        break;
    }
    default:
        if (process.argv[1]?.endsWith('data.mjs')) {
            process.stderr.write('usage: data.mjs records N | patients N | change FILE ID CODE | get EXPRESSION\n');
            process.exit(64);
        }
}
