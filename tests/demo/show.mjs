// SPDX-License-Identifier: Apache-2.0
// Shows what arrived, read back from the server: counts by type, and one patient's PHQ-9 course. node show.mjs URL CA counts|course IDENTIFIER
import fs from "node:fs";
import https from "node:https";
const [base, ca, what, identifier] = process.argv.slice(2);
const get = (path) => new Promise((ok, fail) => https.get(base + path, { ca: fs.readFileSync(ca), headers: { accept: "application/fhir+json" } }, (res) => {
  let text = "";
  res.on("data", (d) => (text += d)).on("end", () => (res.statusCode < 300 ? ok(JSON.parse(text)) : fail(new Error(`${path}: ${res.statusCode}`))));
}).on("error", fail));
if (what === "counts") {
  const stats = await get("/__control/stats");
  const counts = stats?.resources ?? {};
  for (const [type, n] of Object.entries(counts).sort()) console.log(`  ${type.padEnd(22)} ${String(n).padStart(5)}`);
} else {
  const patient = (await get(`/Patient?identifier=${encodeURIComponent(identifier)}`)).entry[0].resource;
  const found = await get(`/Observation?patient=Patient/${patient.id}&code=44261-6&_count=50`);
  const totals = found.entry.map((e) => e.resource).sort((a, b) => a.effectiveDateTime.localeCompare(b.effectiveDateTime));
  console.log(`  ${patient.name[0].family}, PHQ-9 total (0 to 27), ${totals.length} Observations on the server`);
  for (const t of totals)
    console.log(`  ${t.effectiveDateTime.slice(0, 10)}  ${String(t.valueQuantity?.value ?? "-").padStart(2)}  ${"#".repeat(t.valueQuantity?.value ?? 0).padEnd(27, ".")}  ${t.interpretation?.[0]?.text ?? ""}`);
}
