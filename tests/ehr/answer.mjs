// SPDX-License-Identifier: Apache-2.0
// One request and its answer on the wire, over HTTP/1.1 or HTTP/2, with the ways to break it off.

export const json = 'application/fhir+json; charset=utf-8';

export class Exchange {
    constructor(req, res) {
        this.req = req;
        this.res = res;
        this.status = 0;
        res.on('error', () => {});
        req.on('error', () => {});
    }

    // The whole body as text; undefined when it is longer than the limit or the client went away. It is read once.
    body(limit) {
        this.read ??= this.readBody(limit);
        return this.read;
    }

    async readBody(limit) {
        const chunks = [];
        let size = 0;
        try {
            for await (const chunk of this.req) {
                size += chunk.length;
                if (size > limit) {
                    return undefined;
                }
                chunks.push(chunk);
            }
        } catch {
            return undefined;
        }
        return Buffer.concat(chunks).toString('utf8');
    }

    // Closes the connection under the request without another byte.
    kill() {
        const session = this.req.stream?.session;
        if (session) {
            session.destroy();
        } else {
            this.req.socket?.destroy();
        }
    }

    send(status, headers, text) {
        this.status = status;
        const body = Buffer.from(text ?? '');
        const all = { ...headers };
        if (status !== 204 && status !== 304) {
            all['content-length'] = body.length;
        }
        this.res.writeHead(status, all);
        this.res.end(this.req.method === 'HEAD' ? undefined : body);
    }

    // Announces the whole answer, sends its first bytes, then closes the connection.
    sendPart(status, headers, text, bytes) {
        const body = Buffer.from(text ?? '');
        const part = Math.min(bytes ?? Math.floor(body.length / 2), body.length);
        this.status = status;
        this.res.writeHead(status, { ...headers, 'content-length': body.length });
        this.res.flushHeaders?.();
        this.res.write(body.subarray(0, part), () => setTimeout(() => this.kill(), 20));
        if (part === 0) {
            setTimeout(() => this.kill(), 20);
        }
    }

    // Answers before the body is read, then reads it slowly (bytes per second) or never.
    sendEarly(status, headers, text, rate) {
        this.req.on('data', (chunk) => {
            this.req.pause();
            if (rate > 0) {
                setTimeout(() => this.req.resume(), (chunk.length * 1000) / rate).unref();
            }
        });
        if (!(rate > 0)) {
            this.req.pause();
        }
        this.send(status, headers, text);
    }

    // An answer that has no end, up to a bound far beyond what a client should take.
    sendBig(limit) {
        this.status = 200;
        this.res.writeHead(200, { 'content-type': json });
        this.res.write('{"resourceType":"Bundle","type":"searchset","entry":[');
        const block = Buffer.from('{"resource":{"resourceType":"Basic","id":"filler"}},'.repeat(1200));
        let sent = 0;
        const more = () => {
            while (!this.res.destroyed && !this.res.writableEnded) {
                if (sent > limit) {
                    this.kill();
                    return;
                }
                sent += block.length;
                if (!this.res.write(block)) {
                    this.res.once('drain', more);
                    return;
                }
            }
        };
        more();
    }
}
