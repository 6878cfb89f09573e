/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of codes: every stable code of a hold, an error, an alert or a state, what it means
 * and what moves it on. Scripts match these codes, so none is ever renamed. The man page's table is
 * written from here. */
#ifndef CORE_BASE_CODES_H
#define CORE_BASE_CODES_H

#include "core/base/error.h"

#include <stddef.h>

/* Where a code is met; the order is that of the man page. */
enum code_kind {
    CODE_HOLD,    /* a resource or record waits for a person */
    CODE_INPUT,   /* a record, row or file of a source is held */
    CODE_TARGET,  /* a target or an answer of it; what it concerns waits */
    CODE_DECIDED, /* why nothing more is sent of a resource that is not in step */
    CODE_ALERT,   /* a safety alert */
    CODE_CONFIG,  /* the configuration, a mapping file, a plugin or a key */
    CODE_STORE,   /* the store */
    CODE_FAULT,   /* a fault of this machine or of iptfhir */
    CODE_KINDS
};

/* One code. `meaning` and `next` are each one sentence without its full stop; `next` names the
 * command or the act. */
struct code {
    const char *name;
    enum code_kind kind;
    const char *meaning, *next;
};

/* All codes, by kind and then by name; `count` may be NULL. */
const struct code *codes_all(size_t *count);
/* The entry of a code, NULL when the registry doesn't have it (a plugin of somebody else may have
 * its own). */
const struct code *code_find(const char *name);
/* "; did you mean 'NAME'?" with the nearest code of the registry, or "" when none is near. Returns
 * `out`. */
const char *code_hint(const char *wrong, char out[NEAREST_HINT]);
/* The heading of a kind, for people: "Held". */
const char *code_kind_title(enum code_kind kind);
#endif
