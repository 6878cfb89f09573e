/* SPDX-License-Identifier: Apache-2.0 */
/* Writing, reading and carrying the messages of the pipe. */
#include "core/sync/pipe.h"

#include "core/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 65536u /* bytes that are read at once */

/* ---- writing: little-endian numbers, texts with their length and a NUL ---- */

static void put_number(struct str *s, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        str_putc(s, (char)(value >> 8 * i & 0xff));
}

static void put_bytes(struct str *s, struct store_bytes bytes) {
    put_number(s, bytes.length, 4);
    str_add(s, bytes.data != NULL ? bytes.data : "", bytes.length);
    str_putc(s, '\0');
}

static void put_text(struct str *s, const char *text) {
    const char *known = text != NULL ? text : "";
    put_bytes(s, (struct store_bytes) { known, strlen(known) });
}

/* Bytes that may be absent. */
static void put_optional(struct str *s, struct store_bytes bytes) {
    put_number(s, bytes.data != NULL, 1);
    if (bytes.data != NULL)
        put_bytes(s, bytes);
}

static void put_head(struct str *s, const struct intake_record *r) {
    put_text(s, r->id);
    put_text(s, r->local_id);
    put_text(s, r->unit);
    put_number(s, (uint64_t)r->order, 8);
    put_number(s, (uint64_t)r->revision_ms, 8);
    str_add(s, (const char *)r->content, STORE_HASH);
}

static void put_resource(struct str *s, const struct intake_resource *r) {
    put_text(s, r->type);
    str_add(s, (const char *)r->uuid, STORE_UUID);
    put_text(s, r->system);
    put_text(s, r->value);
    put_text(s, r->data_class);
    put_number(s, (uint64_t)r->owner, 1);
    put_number(s, (uint64_t)r->as_of_ms, 8);
    put_bytes(s, r->body);
    put_text(s, r->code);
    put_text(s, r->detail);
    put_number(s, r->reference_count, 4);
    for (size_t i = 0; i < r->reference_count; i++) {
        put_text(s, r->references[i].type);
        str_add(s, (const char *)r->references[i].uuid, STORE_UUID);
    }
}

static void put_record(struct str *s, const struct intake_record *r) {
    put_head(s, r);
    put_bytes(s, r->facts);
    put_number(s, r->part_count, 4);
    for (size_t i = 0; i < r->part_count; i++) {
        put_text(s, r->parts[i].place);
        put_text(s, r->parts[i].code);
        put_text(s, r->parts[i].detail);
    }
    put_number(s, r->resource_count, 4);
    for (size_t i = 0; i < r->resource_count; i++)
        put_resource(s, &r->resources[i]);
}

static void put_hold(struct str *s, const struct pipe_message *m) {
    put_text(s, m->hold.unit);
    put_text(s, m->hold.record);
    put_text(s, m->hold.place);
    put_text(s, m->hold.code);
    put_text(s, m->detail);
    put_optional(s, m->facts);
}

static void put_welcome(struct str *s, const struct pipe_message *m) {
    put_number(s, m->version, 4);
    put_optional(s, m->cursor);
    put_number(s, m->count, 4);
    for (size_t i = 0; i < m->count; i++) {
        put_text(s, m->aliases[i].local_id);
        put_text(s, m->aliases[i].identity);
    }
}

static void put_payload(struct str *s, const struct pipe_message *m) {
    switch (m->type) {
    case PIPE_HELLO:
        put_number(s, m->version, 4);
        put_number(s, m->whole_records, 1);
        put_number(s, m->whole_units, 1);
        put_text(s, m->settings);
        break;
    case PIPE_WELCOME: put_welcome(s, m); break;
    case PIPE_ASK:
        put_number(s, m->count, 4);
        for (size_t i = 0; i < m->count; i++)
            put_head(s, &m->records[i]);
        break;
    case PIPE_ANSWER:
        put_number(s, m->count, 4);
        for (size_t i = 0; i < m->count; i++)
            put_number(s, m->same[i], 1);
        break;
    case PIPE_RECORD: put_record(s, m->records); break;
    case PIPE_HOLD: put_hold(s, m); break;
    case PIPE_PRESENT: put_text(s, m->unit); break;
    case PIPE_CURSOR: put_bytes(s, m->cursor); break;
    case PIPE_END: put_number(s, m->whole, 1); break;
    case PIPE_TYPES: break;
    }
}

void pipe_write(struct str *out, const struct pipe_message *message) {
    size_t start = out->length;
    put_number(out, 0, 4);
    put_number(out, (uint64_t)message->type, 1);
    put_payload(out, message);
    if (out->failed)
        return;
    size_t length = out->length - start - 4;
    for (int i = 0; i < 4; i++)
        out->data[start + (size_t)i] = (char)(length >> 8 * i & 0xff);
}

/* ---- reading: whatever doesn't fit sets `bad`, and reads as zero from then on ---- */

struct bytes_in {
    const char *at, *end;
    struct arena *a;
    bool bad;
    bool no_memory;
};

static const char *take(struct bytes_in *in, size_t length) {
    if (in->bad || (size_t)(in->end - in->at) < length) {
        in->bad = true;
        return NULL;
    }
    const char *at = in->at;
    in->at += length;
    return at;
}

static uint64_t take_number(struct bytes_in *in, int bytes) {
    const char *at = take(in, (size_t)bytes);
    uint64_t value = 0;
    for (int i = 0; at != NULL && i < bytes; i++)
        value |= (uint64_t)(unsigned char)at[i] << 8 * i;
    return value;
}

static bool take_flag(struct bytes_in *in) {
    uint64_t value = take_number(in, 1);
    in->bad = in->bad || value > 1;
    return value == 1;
}

static struct store_bytes take_bytes(struct bytes_in *in) {
    size_t length = (size_t)take_number(in, 4);
    const char *at = take(in, length);
    const char *end = take(in, 1);
    in->bad = in->bad || *end != '\0';
    if (in->bad)
        return (struct store_bytes) { "", 0 };
    char *copy = arena_strndup(in->a, at, length);
    in->no_memory = in->no_memory || copy == NULL;
    in->bad = in->bad || copy == NULL;
    return copy != NULL ? (struct store_bytes) { copy, length } : (struct store_bytes) { "", 0 };
}

/* A text: bytes without a NUL among them. */
static const char *take_text(struct bytes_in *in) {
    struct store_bytes bytes = take_bytes(in);
    in->bad = in->bad || strlen(bytes.data) != bytes.length;
    return bytes.data;
}

static struct store_bytes take_optional(struct bytes_in *in) {
    bool there = take_flag(in);
    return there ? take_bytes(in) : (struct store_bytes) { NULL, 0 };
}

/* Room for a list whose length was read: each of its items has at least `least` bytes, so that no
 * length makes more room than its message has bytes for. */
static void *take_list(struct bytes_in *in, size_t least, size_t size, size_t *count) {
    *count = (size_t)take_number(in, 4);
    bool fits = !in->bad && *count <= (size_t)(in->end - in->at) / least;
    void *list = fits ? arena_zalloc(in->a, *count * size + 1) : NULL;
    in->no_memory = in->no_memory || (fits && list == NULL);
    if (list == NULL) {
        in->bad = true;
        *count = 0;
    }
    return list;
}

static void take_hash(struct bytes_in *in, unsigned char *out, size_t length) {
    const char *at = take(in, length);
    if (at != NULL)
        memcpy(out, at, length);
}

static void take_head(struct bytes_in *in, struct intake_record *r) {
    r->id = take_text(in);
    r->local_id = take_text(in);
    r->unit = take_text(in);
    r->order = (int64_t)take_number(in, 8);
    r->revision_ms = (int64_t)take_number(in, 8);
    take_hash(in, r->content, STORE_HASH);
    in->bad = in->bad || *r->id == '\0' || r->revision_ms < 0;
}

static void take_resource(struct bytes_in *in, struct intake_resource *r) {
    r->type = take_text(in);
    take_hash(in, r->uuid, STORE_UUID);
    r->system = take_text(in);
    r->value = take_text(in);
    r->data_class = take_text(in);
    uint64_t owner = take_number(in, 1);
    r->owner = (enum intake_owner)owner;
    r->as_of_ms = (int64_t)take_number(in, 8);
    r->body = take_bytes(in);
    r->code = take_text(in);
    r->detail = take_text(in);
    struct store_reference *list = take_list(in, STORE_UUID + 5, sizeof *list, &r->reference_count);
    for (size_t i = 0; i < r->reference_count; i++) {
        list[i].type = take_text(in);
        take_hash(in, list[i].uuid, STORE_UUID);
    }
    r->references = list;
    in->bad = in->bad || owner > INTAKE_CLINIC || *r->type == '\0';
}

static void take_record(struct bytes_in *in, struct intake_record *r) {
    take_head(in, r);
    r->facts = take_bytes(in);
    struct intake_part *parts = take_list(in, 15, sizeof *parts, &r->part_count);
    for (size_t i = 0; i < r->part_count; i++) {
        parts[i].place = take_text(in);
        parts[i].code = take_text(in);
        parts[i].detail = take_text(in);
    }
    r->parts = parts;
    struct intake_resource *list = take_list(in, 64, sizeof *list, &r->resource_count);
    for (size_t i = 0; i < r->resource_count; i++)
        take_resource(in, &list[i]);
    r->resources = list;
}

static void take_hold(struct bytes_in *in, struct pipe_message *m) {
    m->hold.job = "";
    m->hold.unit = take_text(in);
    m->hold.record = take_text(in);
    m->hold.place = take_text(in);
    m->hold.code = take_text(in);
    m->detail = take_text(in);
    m->facts = take_optional(in);
    in->bad = in->bad || *m->hold.code == '\0';
}

static void take_welcome(struct bytes_in *in, struct pipe_message *m) {
    m->version = (uint32_t)take_number(in, 4);
    m->cursor = take_optional(in);
    struct pipe_alias *list = take_list(in, 10, sizeof *list, &m->count);
    for (size_t i = 0; i < m->count; i++) {
        list[i].local_id = take_text(in);
        list[i].identity = take_text(in);
    }
    m->aliases = list;
}

static void take_ask(struct bytes_in *in, struct pipe_message *m) {
    struct intake_record *list = take_list(in, 47, sizeof *list, &m->count);
    in->bad = in->bad || m->count > PIPE_ASK_MOST;
    for (size_t i = 0; i < m->count && !in->bad; i++)
        take_head(in, &list[i]);
    m->records = list;
}

static void take_answer(struct bytes_in *in, struct pipe_message *m) {
    bool *list = take_list(in, 1, sizeof *list, &m->count);
    for (size_t i = 0; i < m->count; i++)
        list[i] = take_flag(in);
    m->same = list;
}

static void take_one_record(struct bytes_in *in, struct pipe_message *m) {
    struct intake_record *record = arena_zalloc(in->a, sizeof *record);
    if (record == NULL) {
        in->bad = in->no_memory = true;
        return;
    }
    take_record(in, record);
    m->records = record;
    m->count = 1;
}

static void take_payload(struct bytes_in *in, struct pipe_message *m) {
    switch (m->type) {
    case PIPE_HELLO:
        m->version = (uint32_t)take_number(in, 4);
        m->whole_records = take_flag(in);
        m->whole_units = take_flag(in);
        m->settings = take_text(in);
        break;
    case PIPE_WELCOME: take_welcome(in, m); break;
    case PIPE_ASK: take_ask(in, m); break;
    case PIPE_ANSWER: take_answer(in, m); break;
    case PIPE_RECORD: take_one_record(in, m); break;
    case PIPE_HOLD: take_hold(in, m); break;
    case PIPE_PRESENT: m->unit = take_text(in); break;
    case PIPE_CURSOR: m->cursor.data = take_text(in); break;
    case PIPE_END: m->whole = take_flag(in); break;
    default: in->bad = true;
    }
    if (m->type == PIPE_CURSOR)
        m->cursor.length = strlen(m->cursor.data);
}

bool pipe_read(const char *bytes, size_t length, struct arena *a, struct pipe_message *out,
               struct iptfhir_error *error) {
    struct bytes_in in = { .at = bytes, .end = bytes + length, .a = a };
    *out = (struct pipe_message) { .type = PIPE_TYPES };
    out->type = (enum pipe_type)take_number(&in, 1);
    take_payload(&in, out);
    if (in.no_memory)
        return error_set(error, "memory", NULL, "out of memory");
    if (in.bad || in.at != in.end)
        return error_set(error, "pipe", NULL,
                         "what came through the pipe is no message: both processes must be of one "
                         "version");
    return true;
}

/* ---- the connection ---- */

static bool set_nonblocking(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool pipe_pair(int descriptors[2], struct iptfhir_error *error) {
    bool made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, descriptors) == 0;
    if (!made)
        return error_set(error, "pipe", NULL, "cannot make a pipe: %s", strerror(errno));
    if (set_nonblocking(descriptors[0]) && set_nonblocking(descriptors[1]))
        return true;
    close(descriptors[0]);
    close(descriptors[1]);
    return error_set(error, "pipe", NULL, "cannot make a pipe: %s", strerror(errno));
}

void pipe_open(struct pipe *p, int descriptor) {
    *p = (struct pipe) { .descriptor = descriptor };
}

void pipe_close(struct pipe *p) {
    str_free(&p->out);
    str_free(&p->in);
}

/* Forgets what was sent, when that is most of what is kept. */
static void drop_sent(struct pipe *p) {
    size_t left = p->out.length - p->sent;
    if (p->sent == 0 || p->sent < left)
        return;
    memmove(p->out.data, p->out.data + p->sent, left);
    p->out.length = left;
    p->sent = 0;
}

bool pipe_put(struct pipe *p, const struct pipe_message *message, struct iptfhir_error *error) {
    drop_sent(p);
    size_t start = p->out.length;
    pipe_write(&p->out, message);
    if (p->out.failed)
        return error_set(error, "memory", NULL, "out of memory");
    size_t length = p->out.length - start - 4;
    if (length <= PIPE_FRAME_MOST)
        return true;
    p->out.length = start;
    return error_set(error, "record-too-large", NULL,
                     "what was made of the record is larger than %d MiB: split it",
                     PIPE_FRAME_MOST >> 20);
}

/* Sends what the socket takes now. */
static bool send_some(struct pipe *p, struct iptfhir_error *error) {
    while (p->sent < p->out.length) {
        ssize_t n = send(p->descriptor, p->out.data + p->sent, p->out.length - p->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
        if (later)
            return true;
        if (n < 0)
            return error_set(error, "pipe", NULL, "the other process is gone");
        p->sent += (size_t)n;
    }
    return true;
}

/* Sends what can be sent. To one who has gone nothing is said any more; what it said before it went
 * is still to be read. */
static void send_if_heard(struct pipe *p) {
    struct iptfhir_error gone = ERROR_INIT;
    if (!send_some(p, &gone))
        p->sent = p->out.length;
}

/* Length of the message at hand, 4 bytes of length included; 0: not known yet. */
static size_t frame_length(const struct pipe *p) {
    size_t there = p->in.length - p->taken;
    if (there < 4)
        return 0;
    const unsigned char *at = (const unsigned char *)p->in.data + p->taken;
    uint32_t length = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    return (size_t)length + 4;
}

bool pipe_has(const struct pipe *p) {
    size_t length = frame_length(p);
    return length != 0 && p->in.length - p->taken >= length;
}

/* Moves what is not taken to the front. */
static void compact(struct pipe *p) {
    if (p->taken == 0)
        return;
    size_t left = p->in.length - p->taken;
    memmove(p->in.data, p->in.data + p->taken, left);
    p->in.length = left;
    p->taken = 0;
}

/* Takes in what came, a chunk at most: no more than one message ahead is kept. */
static bool receive_some(struct pipe *p, struct iptfhir_error *error) {
    if (p->taken > CHUNK)
        compact(p);
    if (!str_reserve(&p->in, CHUNK))
        return error_set(error, "memory", NULL, "out of memory");
    ssize_t n = recv(p->descriptor, p->in.data + p->in.length, CHUNK, MSG_DONTWAIT);
    bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
    if (later)
        return true;
    if (n <= 0)
        p->ended = true;
    else
        p->in.length += (size_t)n;
    if (frame_length(p) > (size_t)PIPE_FRAME_MOST + 4)
        return error_set(error, "pipe", NULL, "a message in the pipe is larger than allowed");
    return true;
}

/* Waits until the socket can be read or, when something is to be sent, written. */
static short await(const struct pipe *p, bool read, int wait_ms) {
    bool write = p->sent < p->out.length;
    struct pollfd look = { .fd = p->descriptor };
    look.events = (short)((read ? POLLIN : 0) | (write ? POLLOUT : 0));
    return poll(&look, 1, wait_ms) > 0 ? look.revents : 0;
}

/* Time left of a wait that began at `start`. */
static int left_of(int wait_ms, int64_t start) {
    int64_t left = wait_ms - (clock_steady_ms() - start);
    return left > 0 ? (int)left : 0;
}

bool pipe_push(struct pipe *p, size_t left, int wait_ms, struct iptfhir_error *error) {
    int64_t start = clock_steady_ms();
    if (!send_some(p, error))
        return false;
    while (p->out.length - p->sent > left) {
        int remaining = left_of(wait_ms, start);
        if (remaining == 0)
            return true;
        /* While a whole message waits to be taken, no more is read: memory stays bounded. */
        short ready = await(p, !pipe_has(p) && !p->ended, remaining);
        bool can_read = (ready & (POLLIN | POLLHUP)) != 0 && !pipe_has(p) && !p->ended;
        if (can_read && !receive_some(p, error))
            return false;
        if (!send_some(p, error))
            return false;
    }
    return true;
}

bool pipe_get(struct pipe *p, int wait_ms, struct arena *a, struct pipe_message *message, bool *got,
              struct iptfhir_error *error) {
    int64_t start = clock_steady_ms();
    *got = false;
    bool first = true;
    while (!pipe_has(p)) {
        int remaining = left_of(wait_ms, start);
        if (p->ended || (remaining == 0 && !first))
            break;
        short ready = await(p, true, remaining);
        first = false;
        if ((ready & POLLOUT) != 0)
            send_if_heard(p);
        if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive_some(p, error))
            return false;
    }
    if (!pipe_has(p)) {
        bool torn = p->ended && p->in.length > p->taken;
        return !torn || error_set(error, "pipe", NULL, "the other process died in mid-message");
    }
    size_t length = frame_length(p) - 4;
    bool read = pipe_read(p->in.data + p->taken + 4, length, a, message, error);
    p->taken += length + 4;
    *got = read;
    return read;
}
