#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. "${top_srcdir:-.}/tests/scenario/lib.sh"
scenario "a target that takes no CarePlan and no Goal: those are held as capability, Observations arrive"
clinic 2
MAPPERS="careplan, goals, measures, neighbours" NEIGHBOURS="condition, careteam"

# types: what arrived.
types() { ehr_stat .resources | value 'Object.keys(it).filter((t) => t !== "Patient").sort().join(" ")'; }
# held_types: what is held with the code.
held_types() {
    iptfhir --json outbox list --code capability
    value '[...new Set(it.map((i) => i.type))].sort().join(" ")' <"$dir/out"
}

echo "-- Observation alone"
node - >"$dir/narrow.json" <<'EOF2'
const reads = ['read', 'search-type'].map((code) => ({ code }));
const identifier = [{ name: 'identifier', type: 'token' }, { name: 'patient', type: 'reference' }];
console.log(JSON.stringify({
    resourceType: 'CapabilityStatement', status: 'active', date: '2025-01-01', kind: 'instance', fhirVersion: '4.0.1', format: ['json'],
    rest: [{ mode: 'server', resource: [
        { type: 'Patient', interaction: reads, searchParam: [...identifier, { name: 'birthdate', type: 'date' }] },
        { type: 'Goal', interaction: reads, searchParam: identifier },
        { type: 'Observation', interaction: [...reads, { code: 'create' }, { code: 'update' }], searchParam: identifier },
    ] }],
}));
EOF2
hospital narrow --metadata "$dir/narrow.json" --state "$dir/state"
config
run 1 sync
same "arrived" "$(types)" Observation
same "held" "$(held_types)" "CarePlan CareTeam Condition Goal QuestionnaireResponse"
same "Observations" "$(ehr_count Observation)" 44
run 0 outbox show "$("$IPTFHIR" -c "$dir/iptfhir.yaml" --json outbox list --code capability | value 'it.find((i) => i.type === "Goal").id')"
says "the reason names the interaction" 'this target takes no resource of this type' "$dir/out"
arrived Observation
ehr_reset
change REC-1 'r.measures[0].items.phq9_1 = 0; r.measures[0].total = Object.values(r.measures[0].items).reduce((a, b) => a + b, 0)'
run 1 sync
same "a changed score still arrives" "$(mutations)" 2
law
ehr_stop

echo "-- the server learns the other types"
EHR_FIXED_PORT=$EHR_PORT
hospital wide --state "$dir/state"
EHR_FIXED_PORT=
run 0 outbox retry --code capability
settle
same "everything arrives" "$code" 0
same "held" "$(held)" 0
arrived "$(types | tr ' ' ,)" # what had gone before still names the others by identifier
same "plans and goals" "$(ehr_count CarePlan) $(ehr_count Goal)" "2 2"
ehr_stop

# The statements of real products, where they are at hand: IPTFHIR_STATEMENTS names their folder.
for statement in "${IPTFHIR_STATEMENTS:-/nonexistent}"/*-r4.json; do
    [ -f "$statement" ] || continue
    name=$(basename "$statement" .json)
    echo "-- $name"
    new_store
    hospital "$name" --metadata "$statement"
    config
    iptfhir sync
    same "$name: exit code" "$code" 1
    iptfhir --json outbox list --code capability
    same "$name: plans and goals are held" "$(value '["CarePlan", "Goal"].map((t) => it.filter((i) => i.type === t).length).join(" ")' <"$dir/out")" "2 2"
    echo "$name: arrived: $(types)"
    law
    ehr_stop
done
scenario_end
