#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Trains the dictionary of the store on our own resources: make store-dictionary, which calls this with the program and its
# plugins in the environment. Equal mappings, programs and zstd give an equal file. A store made with one dictionary cannot be
# read with another: a new one needs a new version of the store's schema.
set -eu
: "${top_srcdir:?}" "${top_builddir:?}" "${IPTFHIR:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node "$top_srcdir/tools/store-dictionary.mjs" "$top_srcdir/mappings/examples" "$work"
cat >"$work/iptfhir.yaml" <<TEXT
store: {path: "$work/store.db"}
identity: {base: "https://ipt.example.org"}
mappings: "$top_srcdir/mappings"
log: {level: error}
sources:
  weekly: {plugin: source-csv, path: "$work/weekly.csv", columns: columns/weekly-phq9.yaml}
  full: {plugin: source-json, path: "$work/records"}
mappers:
  measures: {plugin: map-observation}
  goals: {plugin: map-goal}
  plans: {plugin: map-careplan}
  neighbours:
    plugin: map-template
    mappings: [condition, careteam, encounter, procedure, relatedperson, medicationstatement, servicerequest, consent, provenance]
targets:
  out: {plugin: target-file, path: "$work/out.ndjson", consent: attested}
jobs:
  weekly: {source: weekly, mappers: [measures], targets: [out]}
  full: {source: full, mappers: [neighbours, measures, goals, plans], targets: [out]}
TEXT
for job in weekly full; do
    code=0
    "$IPTFHIR" -c "$work/iptfhir.yaml" map --job "$job" >>"$work/resources.ndjson" 2>"$work/log" || code=$?
    [ $code -le 1 ] || { cat "$work/log" >&2; exit 1; } # 1: some examples are held, as they should be
done
"$top_builddir/tools/store-train" "$top_srcdir/core/store/store.dict" <"$work/resources.ndjson"
