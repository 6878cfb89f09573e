// SPDX-License-Identifier: Apache-2.0
// One ipt-record to all its resources, as a straightforward script does it.

import { answers, base, coded, difficulties, difficulty, items, local, meta, observationsOf, reference, uuid } from './phq9.mjs';

const hl7 = 'http://terminology.hl7.org/CodeSystem/';
const snomed = 'http://snomed.info/sct';
const cpt = 'http://www.ama-assn.org/go/cpt';
const ucum = 'http://unitsofmeasure.org';

const roles = { therapist: ['310190000', 'Mental health counselor (occupation)'], patient: ['116154003', 'Patient (person)'] };
const procedures = {
    90791: [['79094001', 'Initial psychiatric interview with mental status and evaluation (procedure)'], 'Psychiatric diagnostic evaluation'],
    90837: [['443730003', 'Interpersonal psychotherapy (regime/therapy)'], 'Psychotherapy, 60 minutes with patient'],
};

function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
}

function words(code) {
    return capital(code.replaceAll('-', ' '));
}

// A resource with its identity; only the members that have a value.
function made(type, value, profile, members) {
    const name = type.toLowerCase();
    const out = {
        resourceType: type,
        id: uuid(`${name}|${value}`),
        meta: profile ? meta(profile) : { security: meta('x').security },
        identifier: [{ system: `${base}/id/${name}`, value }],
    };
    for (const [key, member] of Object.entries(members)) {
        if (member !== undefined && member !== null) {
            out[key] = member;
        }
    }
    return out;
}

function peopleOf(record) {
    const { patient: p, therapist: t, organization: o } = record;
    const mrn = p.identifiers[0];
    const patient = made('Patient', p.localId, 'patient', {
        name: [{ family: p.familyName, given: p.givenNames }],
        gender: p.sex,
        birthDate: p.birthDate,
    });
    patient.identifier = [
        { type: coded(`${hl7}v2-0203`, 'MR', 'Medical record number'), system: mrn.system, value: mrn.value },
    ];
    const licence = t.credentials[0];
    const practitioner = made('Practitioner', t.localId, 'practitioner', {
        name: [{ family: t.familyName, given: t.givenNames, suffix: [licence.code] }],
        qualification: [
            {
                identifier: [{ system: `${base}/id/license`, value: licence.licenseNumber }],
                code: { text: `Licensed psychologist; IPT ${t.iptTraining.level} (${t.iptTraining.body})` },
                period: { end: licence.validThrough },
                issuer: { display: licence.issuer },
            },
        ],
    });
    practitioner.identifier = [{ system: 'http://hl7.org/fhir/sid/us-npi', value: t.npi }];
    const organization = made('Organization', o.localId, 'organization', { active: true, name: o.name });
    const who = {
        subject: reference(patient, `${p.familyName}, ${p.givenNames[0]}`),
        therapist: reference(practitioner, `${t.familyName}, ${t.givenNames[0]}, ${licence.code}`),
        clinic: reference(organization, o.name),
    };
    const role = made('PractitionerRole', t.localId, 'practitionerrole', {
        active: true,
        practitioner: who.therapist,
        organization: who.clinic,
        code: [coded(snomed, ...roles.therapist)],
        specialty: [coded('http://nucc.org/provider-taxonomy', t.specialization.nucc, t.specialization.text.split(';')[0])],
    });
    const supporters = record.supportPersons.map((s) =>
        made('RelatedPerson', `${p.localId}/${s.id}`, 'relatedperson', {
            active: true,
            patient: who.subject,
            relationship: [coded(`${hl7}v3-RoleCode`, s.roleCode, 'spouse')],
            name: [{ family: s.familyName, given: s.givenNames }],
            telecom: [{ system: 'phone', value: s.phone }],
        })
    );
    who.supporters = supporters.map((it) => reference(it, `${it.name[0].family}, ${it.name[0].given[0]}`));
    return { list: [patient, practitioner, organization, role, ...supporters], who };
}

function conditionOf(record, diagnosis, who) {
    return made('Condition', `${record.recordId}/${diagnosis.id}`, 'condition-problems-health-concerns', {
        clinicalStatus: coded(`${hl7}condition-clinical`, diagnosis.clinicalStatus, capital(diagnosis.clinicalStatus)),
        verificationStatus: coded(`${hl7}condition-ver-status`, diagnosis.verification, capital(diagnosis.verification)),
        category: [coded(`${hl7}condition-category`, 'problem-list-item', 'Problem List Item')],
        code: {
            coding: [
                { system: 'http://hl7.org/fhir/sid/icd-10-cm', code: diagnosis.icd10cm, display: diagnosis.text },
                { system: snomed, code: diagnosis.snomed, display: diagnosis.text },
            ],
            text: diagnosis.text,
        },
        subject: who.subject,
        onsetDateTime: diagnosis.onset,
        recordedDate: diagnosis.recordedAt,
    });
}

function consentOf(record, consent, who) {
    return made('Consent', `${record.patient.localId}/${consent.id}`, undefined, {
        status: consent.status,
        scope: coded(`${hl7}consentscope`, 'patient-privacy', 'Privacy Consent'),
        category: [coded('http://loinc.org', '59284-0', 'Consent Document')],
        patient: who.subject,
        dateTime: consent.signedAt,
        organization: [who.clinic],
        policyRule: coded(`${hl7}v3-ActCode`, 'OPTIN', 'opt in'),
        provision: {
            type: 'permit',
            period: { start: consent.signedAt, end: consent.expires },
            purpose: [{ system: `${hl7}v3-ActReason`, code: 'TREAT', display: 'treatment' }],
            provision: [
                {
                    type: 'deny',
                    securityLabel: [
                        { system: `${hl7}v3-ActCode`, code: 'PSYTHPN', display: 'psychotherapy note information sensitivity' },
                    ],
                },
            ],
        },
    });
}

// The response and the twelve Observations of one PHQ-9.
function measureOf(record, measure, who) {
    const scores = items.map((_, i) => measure.items[`phq9_${i + 1}`]);
    const coding = ([code, display]) => [{ valueCoding: { system: 'http://loinc.org', code, display } }];
    const rows = items.map(([code, text], i) => ({ linkId: `/${code}`, text, answer: coding(answers[scores[i]]) }));
    rows.push({
        linkId: '/44261-6',
        text: 'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]',
        answer: [{ valueDecimal: measure.total }],
    });
    rows.push({ linkId: `/${difficulty[0]}`, text: difficulty[1], answer: coding(difficulties[measure.functionalDifficulty]) });
    const response = made('QuestionnaireResponse', `${record.recordId}/${measure.id}`, 'questionnaireresponse', {
        questionnaire: `${base}/fhir/Questionnaire/phq-9|1.0.0`,
        status: 'completed',
        subject: who.subject,
        authored: measure.administeredAt,
        author: who.subject,
        source: who.subject,
        item: rows,
    });
    response.identifier = response.identifier[0];
    const observations = observationsOf({
        record: record.recordId,
        id: measure.id,
        subject: who.subject,
        at: measure.administeredAt,
        answers: scores,
        difficulty: measure.functionalDifficulty,
        response: reference(response),
    });
    return { response, observations, total: observations[9] };
}

function targetOf(target) {
    const out = {};
    if (target.measureLoinc) {
        out.measure = coded('http://loinc.org', target.measureLoinc, 'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]');
    } else if (target.measureLocal) {
        out.measure = coded(local, target.measureLocal, words(target.measureLocal));
    }
    if (target.value !== undefined) {
        const { value, comparator, unit } = target;
        out.detailQuantity = { value, comparator, unit, system: ucum, code: unit };
    } else if (target.valueCode) {
        out.detailCodeableConcept = coded(local, target.valueCode, words(target.valueCode));
    }
    out.dueDate = target.due;
    return out;
}

function goalOf(record, goal, who, conditions, totals) {
    const symptom = goal.category === 'symptom';
    const achievement = goal.achievement ?? (goal.lifecycle === 'completed' ? 'achieved' : 'in-progress');
    const priority = symptom ? ['high-priority', 'High Priority'] : ['medium-priority', 'Medium Priority'];
    const description = goal.seedGoal ? coded(local, goal.seedGoal, words(goal.seedGoal), goal.text) : { text: goal.text };
    return made('Goal', `${record.recordId}/${goal.id}`, 'goal', {
        lifecycleStatus: goal.lifecycle,
        achievementStatus: coded(`${hl7}goal-achievement`, achievement, words(achievement)),
        category: [coded(`${hl7}goal-category`, 'behavioral', 'Behavioral')],
        priority: coded(`${hl7}goal-priority`, ...priority),
        description,
        subject: who.subject,
        startDate: goal.start,
        target: goal.targets.map(targetOf),
        statusDate: goal.statusDate,
        expressedBy: symptom ? who.therapist : who.subject,
        addresses: goal.addresses.map((id) => conditions.get(id)),
        outcomeReference: symptom ? totals : undefined,
    });
}

function sessionOf(record, session, who, condition, plan) {
    const value = `${record.recordId}/${session.id}`;
    const [code, cptText] = procedures[session.cpt] ?? [procedures[90837][0]];
    const billed = cptText ? coded(cpt, session.cpt, cptText) : undefined;
    const virtual = session.mode === 'teletherapy';
    const period = { start: session.start, end: session.end };
    const encounter = made('Encounter', value, 'encounter', {
        status: session.status,
        class: { system: `${hl7}v3-ActCode`, code: virtual ? 'VR' : 'AMB', display: virtual ? 'virtual' : 'ambulatory' },
        type: billed ? [billed] : undefined,
        subject: who.subject,
        participant: [
            { type: [coded(`${hl7}v3-ParticipationType`, 'PPRF', 'primary performer')], individual: who.therapist },
        ],
        period,
        reasonReference: [condition],
        serviceProvider: who.clinic,
    });
    const procedure = made('Procedure', value, 'procedure', {
        basedOn: [plan],
        status: 'completed',
        code: {
            coding: [
                { system: snomed, code: code[0], display: code[1] },
                ...(billed ? billed.coding : []),
            ],
        },
        subject: who.subject,
        encounter: reference(encounter),
        performedPeriod: period,
        performer: [{ actor: who.therapist }],
        reasonReference: [condition],
    });
    return [encounter, procedure];
}

function medicationOf(record, therapy, n, who, condition) {
    const { course, recordId } = record;
    const statement = made('MedicationStatement', `${recordId}/MED-${n}`, undefined, {
        status: 'active',
        medicationCodeableConcept: coded('http://www.nlm.nih.gov/research/umls/rxnorm', therapy.rxnorm, therapy.text),
        subject: who.subject,
        effectivePeriod: { start: therapy.start },
        informationSource: who.subject,
        reasonReference: [condition],
        dosage: [{ text: therapy.dose }],
    });
    const request = made('ServiceRequest', `${recordId}/SR-MED-${n}`, 'servicerequest', {
        status: 'completed',
        intent: 'plan',
        category: [coded(snomed, '409063005', 'Counselling')],
        code: coded(local, 'combined-medication-management', 'Combined medication management', `Coordinate: ${therapy.text}`),
        subject: who.subject,
        occurrencePeriod: { start: therapy.start, end: course.end },
        authoredOn: therapy.start,
        requester: who.therapist,
        reasonReference: [condition],
        supportingInfo: [reference(statement)],
    });
    return { statement, request };
}

function planOf(record, parts) {
    const { course, recordId } = record;
    const { who, conditions, goals, measures, medications, team, others } = parts;
    const allGoals = goals.map((it) => reference(it));
    const bounds = { boundsPeriod: { start: course.start, end: course.end }, frequency: 1, periodUnit: 'wk' };
    const activity = (code, members) => ({
        detail: { kind: 'ServiceRequest', code, status: 'completed', ...members },
    });
    const techniques = [...new Set(record.sessions.flatMap((it) => it.techniques))];
    const totals = measures.map((it) => it.total.valueQuantity.value).join(', ');
    const text = `Interpersonal psychotherapy plan, ${course.start} to ${course.end}. PHQ-9: ${totals}. Goals: ${goals.length}.`;
    return made('CarePlan', `${recordId}/${course.id}`, 'careplan', {
        text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${text}</p></div>` },
        status: course.status,
        intent: 'plan',
        category: [
            coded('http://hl7.org/fhir/us/core/CodeSystem/careplan-category', 'assess-plan', 'Assessment and Plan of Treatment'),
            {
                coding: [
                    { system: snomed, code: '734163000', display: 'Care Plan' },
                    { system: snomed, code: '718347000', display: 'Mental health care plan (record artifact)' },
                ],
            },
        ],
        title: 'Interpersonal psychotherapy (IPT) treatment plan',
        description: `Time-limited IPT, ${course.format} format. Problem area: ${course.problemAreas.map((it) => it.code).join(', ')}.`,
        subject: who.subject,
        period: { start: course.start, end: course.end },
        created: course.start,
        author: who.therapist,
        contributor: [who.therapist],
        careTeam: [reference(team)],
        addresses: [...conditions.values()],
        supportingInfo: [
            reference(measures[0].observations[11]),
            ...others.map((it) => reference(it)),
            ...medications.map((it) => reference(it.statement)),
        ],
        goal: allGoals,
        activity: [
            activity(coded(snomed, '443730003', 'Interpersonal psychotherapy (regime/therapy)', `${course.plannedSessions} weekly sessions`), {
                reasonReference: [...conditions.values()],
                goal: allGoals,
                scheduledTiming: { repeat: { ...bounds, period: 1 } },
                performer: [who.therapist],
            }),
            ...techniques.map((it) => activity(coded(local, it, words(it), words(it)), { goal: allGoals.slice(1) })),
            {
                outcomeReference: measures.map((it) => reference(it.total)),
                ...activity(
                    coded(snomed, '715252007', 'Depression screening using Patient Health Questionnaire Nine Item score (procedure)', `PHQ-9 at weeks ${course.monitoring.weeks.join(', ')}`),
                    { goal: allGoals.slice(0, 1), scheduledTiming: { repeat: { ...bounds, period: 4 } } }
                ),
            },
            ...who.supporters.map((it) => activity(coded(local, 'engage-support', 'Engaging support'), { performer: [it], goal: allGoals.slice(2, 3) })),
            ...medications.map((it) => ({ reference: reference(it.request) })),
        ],
    });
}

// All resources of one record.
export function resourcesOf(record) {
    const { recordId, course } = record;
    const { list: people, who } = peopleOf(record);
    const conditionList = record.diagnoses.map((it) => conditionOf(record, it, who));
    const conditions = new Map(record.diagnoses.map((it, i) => [it.id, reference(conditionList[i])]));
    const condition = [...conditions.values()][0];
    const consents = record.consents.map((it) => consentOf(record, it, who));
    const measures = record.measures.map((it) => measureOf(record, it, who));
    const totals = measures.map((it) => reference(it.total));
    const goals = record.goals.map((it) => goalOf(record, it, who, conditions, totals));
    const medications = course.combinedTherapies.map((it, i) => medicationOf(record, it, i + 1, who, condition));
    const period = { start: course.start, end: course.end };
    const team = made('CareTeam', `${recordId}/${course.id}`, 'careteam', {
        status: 'inactive',
        name: 'IPT care team',
        subject: who.subject,
        period,
        participant: [
            { role: [coded(snomed, ...roles.therapist)], member: who.therapist },
            { role: [coded(snomed, ...roles.patient)], member: who.subject },
            ...who.supporters.map((member) => ({ role: [coded(local, 'support-person', 'Support person in IPT')], member })),
        ],
    });
    const style = record.communicationAssessments.at(-1);
    const communication = made('Observation', `${recordId}/comm-${style.date}`, 'simple-observation', {
        status: 'final',
        category: [coded(`${hl7}observation-category`, 'social-history', 'Social History')],
        code: coded(local, 'communication-style', 'Predominant communication style (IPT communication evaluation)'),
        subject: who.subject,
        effectiveDateTime: style.date,
        performer: [who.therapist],
        valueCodeableConcept: coded(local, style.style, capital(style.style), capital(style.style)),
    });
    const positive = record.measures.filter((it) => it.safety?.positive);
    const flags = positive.length
        ? [
              made('Flag', `${recordId}/item9`, undefined, {
                  status: 'inactive',
                  category: [coded(`${hl7}flag-category`, 'safety', 'Safety')],
                  code: coded(local, 'positive-self-harm-item', 'Positive self-harm item on outcome measure'),
                  subject: who.subject,
                  period: { start: positive[0].administeredAt.slice(0, 10), end: positive.at(-1).administeredAt.slice(0, 10) },
                  author: who.therapist,
              }),
          ]
        : [];
    const plan = planOf(record, { who, conditions, goals, measures, medications, team, others: [communication] });
    const sessions = record.sessions.flatMap((it) => sessionOf(record, it, who, condition, reference(plan)));
    const provenance = made('Provenance', recordId, 'provenance', {
        target: [plan, ...goals].map((it) => reference(it)),
        recorded: record.source.extractedAt,
        agent: [
            { type: coded(`${hl7}provenance-participant-type`, 'author', 'Author'), who: who.therapist, onBehalfOf: who.clinic },
            { type: coded(`${hl7}provenance-participant-type`, 'transmitter', 'Transmitter'), who: who.clinic },
        ],
        entity: [{ role: 'source', what: { identifier: { system: `${base}/id/record`, value: recordId } } }],
    });
    delete provenance.identifier;
    return [
        ...people,
        ...conditionList,
        ...consents,
        ...measures.flatMap((it) => [it.response, ...it.observations]),
        communication,
        ...flags,
        ...goals,
        team,
        ...medications.flatMap((it) => [it.statement, it.request]),
        plan,
        ...sessions,
        provenance,
    ];
}
