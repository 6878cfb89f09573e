// SPDX-License-Identifier: Apache-2.0
// The server's command line.

// name -> [member, kind, initial]; kinds: text, number, list, or a fixed value that the option sets
const table = {
    '--cert': ['cert', 'text'],
    '--key': ['key', 'text'],
    '--port': ['port', 'number', 0],
    '--modules': ['modules', 'text'],
    '--patients': ['patients', 'list', []],
    '--http': ['http', true, false],
    '--http2': ['http2', true, false],
    '--no-http2': ['http2', false, false],
    '--tls-max': ['tlsMax', 'text'],
    '--ciphers': ['ciphers', 'text'],
    '--metadata': ['metadata', 'text'],
    '--no-transaction': ['transaction', false, true],
    '--no-batch': ['batch', false, true],
    '--no-conditional-create': ['conditionalCreate', false, true],
    '--no-client-ids': ['clientIds', false, true],
    '--racy': ['racy', 'number', 0],
    '--bearer': ['bearer', 'text'],
    '--max-body': ['maxBody', 'number', 64 * 1024 * 1024],
    '--port-file': ['portFile', 'text'],
    '--journal': ['journal', 'text'],
    '--state': ['state', 'text'],
};

function fail(text) {
    process.stderr.write(`server.mjs: ${text}\n`);
    process.exit(64);
}

export function readOptions(argv) {
    const options = {};
    for (const [member, , initial] of Object.values(table)) {
        options[member] = Array.isArray(initial) ? [...initial] : initial;
    }
    for (let i = 0; i < argv.length; i++) {
        const [member, kind] = table[argv[i]] ?? fail(`unknown option ${argv[i]}; known: ${Object.keys(table).join(' ')}`);
        if (kind === 'list') {
            while (i + 1 < argv.length && !argv[i + 1].startsWith('--')) {
                options[member].push(argv[++i]);
            }
        } else if (kind === 'text' || kind === 'number') {
            if (i + 1 === argv.length) {
                fail(`${argv[i]} wants a value`);
            }
            options[member] = kind === 'number' ? Number(argv[++i]) : argv[++i];
            if (kind === 'number' && !(options[member] >= 0)) {
                fail(`${argv[i - 1]} wants a number, not ${argv[i]}`);
            }
        } else {
            options[member] = kind;
        }
    }
    if (!options.http && !(options.cert && options.key)) {
        fail('--cert FILE and --key FILE are needed (or --http, for the test that plain http is refused)');
    }
    return options;
}
