// SPDX-License-Identifier: Apache-2.0
// Makes the demo's data once: node make-data.mjs FULL-RECORD.json PHQ9-ITEMS.csv OUT-FOLDER. Its output is checked in.
import fs from "node:fs";
const [full, items, out] = process.argv.slice(2);
const families = ["Castellanos", "Brandvold", "Okonkwo", "Lindqvist", "Marchetti", "Tanaka", "Abernathy", "Duval", "Eriksen", "Farrow", "Gallo", "Hartmann",
  "Ivanova", "Jankowski", "Keller", "Lozano", "Moreau", "Nakamura", "Ortega", "Petrov", "Quist", "Rossi"];
const patients = [];
const patient = (n, mrn, birth) => patients.push({ resourceType: "Patient", identifier: [{ system: "urn:oid:1.2.3.4.5.6.7", value: mrn }],
  name: [{ family: families[n], given: ["Demo"] }], gender: n % 2 ? "female" : "male", birthDate: birth });

// Six full records: the sample course, other people.
const record = JSON.parse(fs.readFileSync(full, "utf8"));
const lines = [];
for (let n = 0; n < 6; n++) {
  const r = structuredClone(record), mrn = `DEMO-J${n + 1}`, birth = `19${70 + n * 4}-0${n + 1}-1${n}`;
  r.recordId = `DEMO-J${n + 1}`;
  r.source.sourceId = `J${n + 1}`;
  r.patient.localId = `P-J${n + 1}`;
  r.patient.identifiers = [{ system: "urn:oid:1.2.3.4.5.6.7", value: mrn, type: "MR" }];
  r.patient.familyName = families[n];
  r.patient.givenNames = ["Demo"];
  r.patient.sex = n % 2 ? "female" : "male";
  r.patient.birthDate = birth;
  for (const c of r.consents ?? []) c.recipient = "Demo Hospital";
  lines.push(JSON.stringify(r));
  patient(n, mrn, birth);
}
fs.writeFileSync(`${out}/records.ndjson`, lines.join("\n") + "\n");

// Sixteen people of a REDCap export: real answers (see SOURCES.md), put in an order of falling totals.
const rows = fs.readFileSync(items, "utf8").trim().split(/\r?\n/).slice(1).map((l) => l.split(",").slice(1, 11).map(Number));
const bands = [[19, 27], [14, 18], [9, 13], [5, 8], [0, 4]], weeks = [0, 4, 8, 12, 16];
const header = ["record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance", "redcap_data_access_group", "mrn", "family", "dob", "ipt_start",
  ...[1, 2, 3, 4].map((k) => `ipt_problem_area___${k}`), "ipt_format", "phq9_date", ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => `phq9_${k}`), "phq9_diff", "phq9_total", "phq_9_complete"];
const csv = [header.join(",")], used = new Set();
for (let p = 0; p < 16; p++) {
  const id = 3001 + p, mrn = `DEMO-R${p + 1}`, birth = `19${65 + p}-1${p % 3}-0${(p % 9) + 1}`;
  patient(6 + p, mrn, birth);
  weeks.forEach((week, w) => {
    const [low, high] = bands[Math.min(4, w + (p % 2))];
    const i = rows.findIndex((r, at) => !used.has(at) && r[9] >= low && r[9] <= high);
    used.add(i);
    const day = new Date(Date.UTC(2026, 0, 12 + p + week * 7)).toISOString().slice(0, 10), first = w === 0;
    csv.push([id, w ? `week_${week}_arm_1` : "baseline_arm_1", "", "", "harbor", first ? mrn : "", first ? families[6 + p] : "", first ? birth : "", first ? day : "",
      ...[0, 1, 2, 3].map((k) => (first ? (k === p % 4 ? 1 : 0) : "")), first ? 1 : "", `${day} 14:0${w}`, ...rows[i].slice(0, 9), "", rows[i][9], 2].join(","));
  });
}
fs.writeFileSync(`${out}/redcap.csv`, csv.join("\r\n") + "\r\n");
fs.writeFileSync(`${out}/patients.ndjson`, patients.map((p) => JSON.stringify(p)).join("\n") + "\n");
