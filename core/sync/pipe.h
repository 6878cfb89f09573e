/* SPDX-License-Identifier: Apache-2.0 */
/* The pipe between ingest and delivery: messages with a length before them over a pair of
 * inherited sockets. Nothing that comes out of it is trusted: every length is checked, and what is
 * not a message of this version ends the connection.
 *
 * Ingest begins with HELLO; delivery answers WELCOME (cursor, aliases). Then ingest sends ASK in
 * batches and gets one ANSWER for each, in order, while it goes on; RECORD, HOLD, PRESENT, CURSOR
 * as they come, and END last. */
#ifndef CORE_SYNC_PIPE_H
#define CORE_SYNC_PIPE_H

#include "core/base/str.h"
#include "core/sync/intake.h"

enum {
    PIPE_VERSION = 1,
    PIPE_FRAME_MOST = 256 << 20, /* bytes of one message */
    PIPE_ASK_MOST = 1024         /* records of one question */
};
enum pipe_type {
    PIPE_HELLO = 1,
    PIPE_WELCOME,
    PIPE_ASK,
    PIPE_ANSWER,
    PIPE_RECORD,
    PIPE_HOLD,
    PIPE_PRESENT,
    PIPE_CURSOR,
    PIPE_END,
    PIPE_TYPES /* their number */
};
/* A local id and the one that identities of its records are made with. */
struct pipe_alias {
    const char *local_id, *identity;
};
/* A message; what its type doesn't name is zero. Texts and lists live in the reader's arena. */
struct pipe_message {
    enum pipe_type type;
    uint32_t version;                    /* HELLO, WELCOME */
    bool whole_records, whole_units;     /* HELLO: what the source says of itself */
    const char *settings;                /* HELLO: hash of mappings, mappers and their options */
    struct store_bytes cursor;           /* WELCOME (NULL data: none), CURSOR */
    const struct pipe_alias *aliases;    /* WELCOME */
    const struct intake_record *records; /* ASK: id to content; RECORD: one, whole */
    const bool *same;                    /* ANSWER */
    size_t count;                        /* of aliases, records or answers */
    struct store_hold_key hold;          /* HOLD; the job is delivery's to say: "" */
    const char *detail;                  /* HOLD */
    struct store_bytes facts;            /* HOLD; NULL data: none could be read */
    const char *unit;                    /* PRESENT */
    bool whole;                          /* END: the source said all it had */
};
/* Appends a message, with its length, to `out`. */
void pipe_write(struct str *out, const struct pipe_message *message);
/* Reads a message from its bytes without the length. False and an error ("pipe") when it is none,
 * or the arena is out ("memory"). */
bool pipe_read(const char *bytes, size_t length, struct arena *a, struct pipe_message *out,
               struct iptfhir_error *error);

/* ---- the connection ---- */
struct pipe {
    int descriptor;     /* a stream socket that doesn't block; the caller's */
    struct str out, in; /* bytes to send; bytes that came */
    size_t sent, taken; /* of them */
    bool ended;         /* the other side has closed */
};
/* True when a pair of connected sockets could be made: [0] for ingest, [1] for delivery. */
bool pipe_pair(int descriptors[2], struct iptfhir_error *error);
void pipe_open(struct pipe *p, int descriptor);
void pipe_close(struct pipe *p);
/* Adds a message to what is to be sent. False: memory is out ("memory"), or the message is larger
 * than the other side would read ("record-too-large") and was not added. */
bool pipe_put(struct pipe *p, const struct pipe_message *message, struct iptfhir_error *error);
/* Sends, and takes in what came, until at most `left` bytes are still to be sent; it waits at most
 * wait_ms. False when the other side is gone or talks nonsense. */
bool pipe_push(struct pipe *p, size_t left, int wait_ms, struct iptfhir_error *error);
/* The next message, waiting at most wait_ms for it: *got is false when none came, also when the
 * other side has closed (p->ended) in good order. What it points to lives in the arena. */
bool pipe_get(struct pipe *p, int wait_ms, struct arena *a, struct pipe_message *message, bool *got,
              struct iptfhir_error *error);
/* True when a whole message has come already. */
bool pipe_has(const struct pipe *p);
#endif
