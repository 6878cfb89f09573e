/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of outbox items, as people type them. */
#include "core/command/exit.h"
#include "core/command/outbox.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) {
    return isdigit((unsigned char)c) != 0;
}

/* Reads "-3@hospital", which follows the patient's number. */
static bool read_resource(const char *text, struct outbox_id *out) {
    char *end;
    if (text[0] != '-' || !is_digit(text[1]))
        return false;
    unsigned long long ordinal = strtoull(text + 1, &end, 10);
    const char *target = end + 1;
    if (*end != '@' || *target == '\0')
        return false;
    if (ordinal > UINT32_MAX)
        return false;
    out->ordinal = (uint32_t)ordinal;
    out->target = target;
    return true;
}

bool outbox_id_read(const char *text, struct outbox_id *out) {
    char *end;
    const char *digits = text;
    *out = (struct outbox_id) { .kind = OUTBOX_RESOURCE };
    if (text[0] == 'r')
        out->kind = OUTBOX_RECORD;
    if (text[0] == 'h')
        out->kind = OUTBOX_ROW;
    if (out->kind != OUTBOX_RESOURCE)
        digits++;
    if (!is_digit(digits[0]))
        return false;
    out->no = strtoull(digits, &end, 10);
    if (out->kind == OUTBOX_RESOURCE)
        return read_resource(end, out);
    return *end == '\0';
}

int outbox_refuse_id(struct outbox *o, const char *text) {
    str_printf(&o->err,
               "%s is no item's id: `iptfhir outbox list` has them, e.g. 12-3@hospital, r7, h4\n",
               text);
    return EXIT_WRONG_USE;
}

bool outbox_knows_target(const struct outbox *o, const char *target) {
    for (size_t i = 0; i < o->route_count; i++) {
        if (strcmp(o->routes[i].target, target) == 0)
            return true;
    }
    return false;
}
