// SPDX-License-Identifier: Apache-2.0
// PHQ-9 as data and the twelve Observations of one administration, as a straightforward script builds them.

import { createHash } from 'node:crypto';

export const base = 'https://ipt.example.org';
export const local = `${base}/fhir/CodeSystem/ipt`;
const loinc = 'http://loinc.org';
const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-';
const namespace = Buffer.from('5f0b4bd53a3b5c0e9d0c1f2e7a6b8c9d', 'hex');

// code and display of every item, in the order of the questionnaire
export const items = [
    ['44250-9', 'Little interest or pleasure in doing things in last 2 weeks'],
    ['44255-8', 'Feeling down, depressed, or hopeless in last 2 weeks'],
    ['44259-0', 'Trouble falling or staying asleep, or sleeping too much in last 2 weeks [Reported.PHQ]'],
    ['44254-1', 'Feeling tired or having little energy in last 2 weeks [Reported.PHQ]'],
    ['44251-7', 'Poor appetite or overeating in last 2 weeks [Reported.PHQ]'],
    ['44258-2', 'Feeling bad about yourself - or that you are a failure or have let yourself or your family down in last 2 weeks [Reported.PHQ]'],
    ['44252-5', 'Trouble concentrating on things, such as reading the newspaper or watching television in last 2 weeks [Reported.PHQ]'],
    ['44253-3', 'Moving or speaking so slowly that other people could have noticed. Or the opposite - being so fidgety or restless that you have been moving around a lot more than usual in last 2 weeks [Reported.PHQ]'],
    ['44260-8', 'Thoughts that you would be better off dead, or of hurting yourself in some way in last 2 weeks [Reported.PHQ]'],
];
export const difficulty = ['69722-7', 'How difficult have these made it for you to do your work, take care of things at home, or get along with other people [Reported.PHQ]'];
export const answers = [
    ['LA6568-5', 'Not at all'],
    ['LA6569-3', 'Several days'],
    ['LA6570-1', 'More than half the days'],
    ['LA6571-9', 'Nearly every day'],
];
export const difficulties = [
    ['LA6572-7', 'Not difficult at all'],
    ['LA6573-5', 'Somewhat difficult'],
    ['LA6575-0', 'Very difficult'],
    ['LA6574-3', 'Extremely difficult'],
];
const bands = [
    [20, 'severe'],
    [15, 'moderately severe'],
    [10, 'moderate'],
    [5, 'mild'],
    [0, 'minimal'],
];
const security = [
    { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R', display: 'restricted' },
    { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'PSY', display: 'psychiatry disorder information sensitivity' },
];

// A UUID of version 5 for a name.
export function uuid(name) {
    const hash = createHash('sha1').update(namespace).update(name).digest();
    hash[6] = (hash[6] & 0x0f) | 0x50;
    hash[8] = (hash[8] & 0x3f) | 0x80;
    const hex = hash.toString('hex', 0, 16);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function coded(system, code, display, text) {
    const concept = { coding: [{ system, code, display }] };
    if (text) {
        concept.text = text;
    }
    return concept;
}

export function meta(profile) {
    return { profile: [usCore + profile], security };
}

export function reference(resource, display) {
    const out = { reference: `${resource.resourceType}/${resource.id}` };
    if (display) {
        out.display = display;
    }
    return out;
}

// What the twelve have in common.
function observation(measure, part, code) {
    const value = `${measure.record}/${measure.id}/${part}`;
    return {
        resourceType: 'Observation',
        id: uuid(`observation|${value}`),
        meta: meta('observation-screening-assessment'),
        identifier: [{ system: `${base}/id/observation`, value }],
        status: 'final',
        category: [coded('http://terminology.hl7.org/CodeSystem/observation-category', 'survey', 'Survey')],
        subject: measure.subject,
        effectiveDateTime: measure.at,
        performer: [measure.subject],
        code: coded(loinc, code[0], code[1]),
    };
}

function itemObservation(measure, code, answer) {
    const out = observation(measure, code[0], code);
    out.valueCodeableConcept = coded(loinc, answer[0], answer[1], answer[1]);
    if (measure.response) {
        out.derivedFrom = [measure.response];
    }
    return out;
}

// measure: record, id, subject (reference), at, answers (nine numbers), difficulty, response (reference or none).
export function observationsOf(measure) {
    const list = items.map((code, i) => itemObservation(measure, code, answers[measure.answers[i]]));
    if (measure.answers[8] > 0) {
        list[8].interpretation = [
            coded(
                'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation',
                'A',
                'Abnormal',
                'Positive self-harm item: clinical risk assessment required'
            ),
        ];
    }
    const score = measure.answers.reduce((sum, it) => sum + it, 0);
    const band = bands.find(([low]) => score >= low)[1];
    const total = observation(measure, 'total', ['44261-6', 'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]']);
    total.valueQuantity = { value: score, unit: '{score}', system: 'http://unitsofmeasure.org', code: '{score}' };
    total.interpretation = [coded(local, `phq9-${band.replace(' ', '-')}`, `PHQ-9 ${band}`, band)];
    total.referenceRange = [
        {
            low: { value: 0 },
            high: { value: 27 },
            text: 'PHQ-9 possible range 0-27; 0-4 minimal, 5-9 mild, 10-14 moderate, 15-19 moderately severe, 20-27 severe',
        },
    ];
    const before = measure.response ? [measure.response] : [];
    total.derivedFrom = [...before, ...list.map((it) => reference(it))];
    const hard = itemObservation(measure, difficulty, difficulties[measure.difficulty]);
    const panel = observation(measure, 'panel', ['44249-1', 'PHQ-9 quick depression assessment panel [Reported.PHQ]']);
    panel.hasMember = [...list, total, hard].map((it) => reference(it));
    if (measure.response) {
        panel.derivedFrom = [measure.response];
    }
    return [...list, total, hard, panel];
}

// One row of the weekly table as a measure.
export function rowToMeasure(cells) {
    const [patient, week] = cells;
    const at = new Date(Date.UTC(2026, 0, 5 + 7 * (Number(week) - 1))).toISOString().slice(0, 10);
    const scores = cells.slice(2, 11).map(Number);
    if (scores.reduce((sum, it) => sum + it, 0) !== Number(cells[12])) {
        throw new Error(`week ${week}: the total differs from the items`);
    }
    return {
        record: `WEEKLY-${patient}`,
        id: `W${week.padStart(2, '0')}`,
        subject: { reference: `Patient/${uuid(`patient|${patient}`)}` },
        at,
        answers: scores,
        difficulty: Number(cells[11]),
    };
}
