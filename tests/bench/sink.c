/* SPDX-License-Identifier: Apache-2.0 */
/* A FHIR server for the bench that answers transactions: it takes every resource, remembers which
 * business identifiers it has taken, and keeps nothing else, so that it costs as little as a server
 * can. HTTP/1.1 over TLS on a loopback port of its own; a thread for each connection. */
#include "core/base/str.h"
#include "core/tree/tree.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_MOST = 32 * 1024,
    BODY_MOST = 64 << 20,
    IDENTIFIERS_FIRST = 1 << 16 /* slots of the table to begin with */
};

/* What it can do, in its own words. */
static const char statement[] =
    "{\"resourceType\":\"CapabilityStatement\",\"status\":\"active\",\"date\":\"2026-01-01\","
    "\"kind\":\"instance\",\"fhirVersion\":\"4.0.1\",\"format\":[\"json\"],"
    "\"software\":{\"name\":\"iptfhir bench sink\"},"
    "\"implementation\":{\"description\":\"Takes everything and keeps identifiers\"},"
    "\"rest\":[{\"mode\":\"server\",\"interaction\":[{\"code\":\"transaction\"}],\"resource\":["
    "{\"type\":\"Patient\",\"interaction\":[{\"code\":\"read\"},{\"code\":\"search-type\"}],"
    "\"searchParam\":[{\"name\":\"identifier\",\"type\":\"token\"}]},"
    "{\"type\":\"Observation\",\"interaction\":[{\"code\":\"read\"},{\"code\":\"create\"},"
    "{\"code\":\"update\"},{\"code\":\"search-type\"}],\"versioning\":\"versioned-update\","
    "\"conditionalCreate\":true,\"searchParam\":[{\"name\":\"identifier\",\"type\":\"token\"},"
    "{\"name\":\"patient\",\"type\":\"reference\"}]}]}]}";
static const char nothing_found[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":0}";

/* ---- identifiers that were taken ---- */

struct taken {
    uint64_t hash, number; /* of the condition; of the resource. hash 0: free */
};
static struct {
    pthread_mutex_t lock;
    struct taken *slots;
    size_t room, count;
    uint64_t numbers; /* given so far */
} memory = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t hash_of(const char *text, size_t length) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    hash ^= hash >> 29;
    return hash != 0 ? hash : 1;
}

static struct taken *slot_of(struct taken *slots, size_t room, uint64_t hash) {
    size_t at = hash & (room - 1);
    while (slots[at].hash != 0 && slots[at].hash != hash)
        at = (at + 1) & (room - 1);
    return &slots[at];
}

/* Makes room for one more identifier, or ends the program. */
static void grow(void) {
    if (memory.count * 2 < memory.room)
        return;
    size_t room = memory.room != 0 ? memory.room * 2 : IDENTIFIERS_FIRST;
    struct taken *slots = calloc(room, sizeof *slots);
    if (slots == NULL) {
        fputs("sink: out of memory\n", stderr);
        exit(70);
    }
    for (size_t i = 0; i < memory.room; i++) {
        if (memory.slots[i].hash != 0)
            *slot_of(slots, room, memory.slots[i].hash) = memory.slots[i];
    }
    free(memory.slots);
    memory.slots = slots;
    memory.room = room;
}

/* The number of a new resource, or of the one that was taken under this condition (NULL: none);
 * *created says which. */
static uint64_t take_resource(const char *condition, size_t length, bool *created) {
    *created = true;
    pthread_mutex_lock(&memory.lock);
    uint64_t number = ++memory.numbers;
    if (condition != NULL) {
        grow();
        struct taken *slot = slot_of(memory.slots, memory.room, hash_of(condition, length));
        if (slot->hash != 0) {
            *created = false;
            number = slot->number;
        } else {
            *slot = (struct taken) { hash_of(condition, length), number };
            memory.count++;
        }
    }
    pthread_mutex_unlock(&memory.lock);
    return number;
}

/* ---- one connection ---- */

struct client {
    SSL *ssl;
    char *bytes; /* what came and was not used yet */
    size_t have, room;
    struct str answer, body;
    struct arena arena;
};
struct request {
    char *method, *path;   /* terminated */
    const char *condition; /* of If-None-Exist; NULL: none */
    size_t condition_length;
    char *body;
    size_t length;
};

/* Reads until at least `want` bytes are there. */
static bool fill(struct client *c, size_t want) {
    if (want + 1 > c->room) {
        char *more = realloc(c->bytes, want + HEAD_MOST + 1);
        if (more == NULL)
            return false;
        c->bytes = more;
        c->room = want + HEAD_MOST + 1;
    }
    while (c->have < want) {
        int got = SSL_read(c->ssl, c->bytes + c->have, (int)(c->room - 1 - c->have));
        if (got <= 0)
            return false;
        c->have += (size_t)got;
    }
    c->bytes[c->have] = '\0';
    return true;
}

static bool send_all(struct client *c, const char *bytes, size_t length) {
    return length == 0 || SSL_write(c->ssl, bytes, (int)length) == (int)length;
}

/* The value of a header within a head; NULL: it isn't there. */
static const char *header(const char *head, const char *name, size_t *length) {
    size_t n = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':')
            continue;
        const char *value = line + 3 + n;
        value += strspn(value, " ");
        *length = strcspn(value, "\r");
        return value;
    }
    return NULL;
}

/* Waits for the end of a head; returns its length, 0: the connection ended. */
static size_t read_head(struct client *c) {
    for (;;) {
        c->bytes[c->have] = '\0';
        const char *end = strstr(c->bytes, "\r\n\r\n");
        if (end != NULL)
            return (size_t)(end - c->bytes) + 4;
        if (c->have > HEAD_MOST || !fill(c, c->have + 1))
            return 0;
    }
}

/* Reads a request; *used is how much of the bytes it is. */
static bool read_request(struct client *c, struct request *r, size_t *used) {
    size_t length, head = read_head(c);
    if (head == 0)
        return false;
    c->bytes[head - 2] = '\0';
    const char *value = header(c->bytes, "Content-Length", &length);
    unsigned long body = value != NULL ? strtoul(value, NULL, 10) : 0;
    bool waits = header(c->bytes, "Expect", &length) != NULL;
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (body > BODY_MOST || (waits && !send_all(c, go_on, sizeof go_on - 1)))
        return false;
    if (!fill(c, head + body))
        return false;
    *used = head + body;
    r->condition = header(c->bytes, "If-None-Exist", &r->condition_length);
    r->body = c->bytes + head;
    r->length = body;
    char *space = strchr(c->bytes, ' ');
    if (space == NULL || strchr(space + 1, ' ') == NULL)
        return false;
    r->method = c->bytes;
    r->path = space + 1;
    *space = '\0';
    *strchr(r->path, ' ') = '\0';
    return true;
}

/* Sends an answer; `headers` are whole lines, its body is c->body. */
static bool answer(struct client *c, const char *status, const char *headers) {
    str_clear(&c->answer);
    str_printf(
        &c->answer,
        "HTTP/1.1 %s\r\nContent-Type: application/fhir+json\r\nContent-Length: %zu\r\n%s\r\n",
        status, c->body.length, headers);
    str_add(&c->answer, c->body.length > 0 ? c->body.data : "", c->body.length);
    return !c->answer.failed && send_all(c, c->answer.data, c->answer.length);
}

static bool answer_text(struct client *c, const char *text) {
    str_puts(&c->body, text);
    return answer(c, "200 OK", "");
}

/* ---- what is asked ---- */

/* Answers a search for a patient: whoever is asked for is there. */
static bool answer_patient(struct client *c, const struct request *r) {
    const char *text = r->length > 0 ? r->body : r->path;
    const char *from = strstr(text, "identifier=");
    size_t length = from != NULL ? strcspn(from, "& ") : 0;
    size_t start = length;
    while (start > 0 && strchr("|C=", from[start - 1]) == NULL)
        start--; /* behind the bar of system|value, which may stand as %7C */
    if (start == length)
        return answer_text(c, nothing_found);
    const char *value = from + start;
    int n = (int)(length - start);
    str_printf(&c->body,
               "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":1,\"entry\":[{"
               "\"fullUrl\":\"https://localhost/fhir/R4/Patient/p%.*s\",\"resource\":{"
               "\"resourceType\":\"Patient\",\"id\":\"p%.*s\",\"meta\":{\"versionId\":\"1\"},"
               "\"identifier\":[{\"system\":\"urn:oid:1.2.3.4.5.6.7\",\"value\":\"%.*s\"}],"
               "\"name\":[{\"family\":\"Synthetic\"}],\"birthDate\":\"1980-01-01\"},"
               "\"search\":{\"mode\":\"match\"}}]}",
               n, value, n, value, n, value);
    return answer(c, "200 OK", "");
}

/* Answers a create of its own. */
static bool answer_create(struct client *c, const struct request *r, const char *type) {
    char headers[256];
    bool created;
    uint64_t number = take_resource(r->condition, r->condition_length, &created);
    (void)snprintf(headers, sizeof headers,
                   "Location: /fhir/R4/%.64s/%llu/_history/1\r\nETag: W/\"1\"\r\n", type,
                   (unsigned long long)number);
    return answer(c, created ? "201 Created" : "200 OK", headers);
}

/* Writes the response of one entry; false when the entry asks for nothing that is known here. */
static bool add_response(struct client *c, const struct tree *entry, const char *now) {
    const struct tree *request = tree_get(entry, "request");
    const char *method = request != NULL ? tree_text(request, "method") : NULL;
    const char *url = request != NULL ? tree_text(request, "url") : NULL;
    const char *condition = request != NULL ? tree_text(request, "ifNoneExist") : NULL;
    bool created = true;
    if (method == NULL || url == NULL || tree_get(entry, "resource") == NULL)
        return false;
    str_puts(&c->body, c->body.data[c->body.length - 1] == '[' ? "" : ",");
    if (strcmp(method, "PUT") == 0) {
        str_printf(&c->body,
                   "{\"response\":{\"status\":\"200 OK\",\"location\":\"%s/_history/2\","
                   "\"etag\":\"W/\\\"2\\\"\",\"lastModified\":\"%s\"}}",
                   url, now);
        return true;
    }
    size_t length = condition != NULL ? strlen(condition) : 0;
    uint64_t number = take_resource(condition, length, &created);
    str_printf(&c->body,
               "{\"response\":{\"status\":\"%s\",\"location\":\"%s/%llu/_history/1\","
               "\"etag\":\"W/\\\"1\\\"\",\"lastModified\":\"%s\"}}",
               created ? "201 Created" : "200 OK", url, (unsigned long long)number, now);
    return strcmp(method, "POST") == 0;
}

static bool refuse(struct client *c) {
    str_clear(&c->body);
    str_puts(&c->body, "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\","
                       "\"code\":\"invalid\",\"diagnostics\":\"no transaction\"}]}");
    return answer(c, "400 Bad Request", "");
}

/* Answers a transaction entry by entry. */
static bool answer_transaction(struct client *c, const struct request *r) {
    char now[32];
    struct tm parts;
    struct iptfhir_error error = ERROR_INIT;
    time_t seconds = time(NULL);
    (void)gmtime_r(&seconds, &parts);
    (void)strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &parts);
    arena_reset(&c->arena);
    const struct tree *bundle = json_read(&c->arena, r->body, r->length, NULL, 1, false, &error);
    const char *type = bundle != NULL ? tree_text(bundle, "type") : NULL;
    const struct tree *entries = bundle != NULL ? tree_get(bundle, "entry") : NULL;
    bool known = type != NULL && strcmp(type, "transaction") == 0 && entries != NULL;
    if (!known || entries->kind != TREE_ARRAY)
        return refuse(c);
    str_puts(&c->body,
             "{\"resourceType\":\"Bundle\",\"type\":\"transaction-response\",\"entry\":[");
    for (const struct tree *e = entries->first; e != NULL; e = e->next) {
        if (!add_response(c, e, now))
            return refuse(c);
    }
    str_puts(&c->body, "]}");
    return answer(c, "200 OK", "");
}

/* Answers one request. */
static bool serve(struct client *c, const struct request *r) {
    static const char base[] = "/fhir/R4";
    char *path = r->path;
    str_clear(&c->body);
    if (strncmp(path, base, sizeof base - 1) != 0)
        return answer(c, "404 Not Found", "");
    path += sizeof base - 1;
    path += strspn(path, "/");
    if (strncmp(path, "metadata", 8) == 0)
        return answer_text(c, statement);
    if (strncmp(path, "Patient", 7) == 0)
        return answer_patient(c, r);
    bool posts = strcmp(r->method, "POST") == 0;
    if (posts && *path == '\0')
        return answer_transaction(c, r);
    if (posts && strstr(path, "/_search") == NULL)
        return answer_create(c, r, path);
    if (strcmp(r->method, "GET") == 0 || posts)
        return answer_text(c, nothing_found);
    return answer(c, "200 OK", "ETag: W/\"2\"\r\n");
}

static void *client_main(void *user) {
    struct client c = { .ssl = user };
    if (SSL_accept(c.ssl) == 1 && fill(&c, 1)) {
        struct request r;
        size_t used;
        while (read_request(&c, &r, &used) && serve(&c, &r)) {
            memmove(c.bytes, c.bytes + used, c.have - used);
            c.have -= used;
        }
    }
    int descriptor = SSL_get_fd(c.ssl);
    SSL_free(c.ssl);
    (void)close(descriptor);
    free(c.bytes);
    str_free(&c.answer);
    str_free(&c.body);
    arena_free(&c.arena);
    return NULL;
}

/* ---- the program ---- */

static SSL_CTX *open_tls(const char *certificate, const char *key) {
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    bool good = tls != NULL && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
                SSL_CTX_use_certificate_chain_file(tls, certificate) == 1 &&
                SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1;
    if (good)
        return tls;
    fprintf(stderr, "sink: the certificate or its key cannot be used: %s\n", certificate);
    exit(66);
}

/* Listens on a port of the system's choice, and says where. */
static int open_port(void) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, size) == 0 &&
                listen(descriptor, 128) == 0 &&
                getsockname(descriptor, (struct sockaddr *)&address, &size) == 0;
    if (!good) {
        fprintf(stderr, "sink: cannot listen: %s\n", strerror(errno));
        exit(71);
    }
    printf("https://localhost:%u/fhir/R4\n", ntohs(address.sin_port));
    fflush(stdout);
    return descriptor;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: sink CERTIFICATE.pem KEY.pem\n", stderr);
        return 64;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* the bench that started it is gone */
    SSL_CTX *tls = open_tls(argv[1], argv[2]);
    int port = open_port();
    for (;;) {
        pthread_t thread;
        int descriptor = accept4(port, NULL, NULL, SOCK_CLOEXEC);
        if (descriptor < 0)
            continue;
        SSL *ssl = SSL_new(tls);
        bool good = ssl != NULL && SSL_set_fd(ssl, descriptor) == 1;
        if (good && pthread_create(&thread, NULL, client_main, ssl) == 0) {
            (void)pthread_detach(thread);
            continue;
        }
        SSL_free(ssl);
        (void)close(descriptor);
    }
}
