/* SPDX-License-Identifier: Apache-2.0 */
/* What every function needs: its arguments, and giving its answer. */
#include "core/fhirpath/internal.h"

#include <string.h>

#define MOST_TEXT (16u << 20) /* bytes of a text that a function makes */

void give(const struct call *c, value v) {
    push(c->e, c->out, v);
}

void give_boolean(const struct call *c, bool b) {
    push(c->e, c->out, of_boolean(b));
}

void give_integer(const struct call *c, int64_t i) {
    push(c->e, c->out, of_integer(i));
}

void give_decimal(const struct call *c, decimal d) {
    push(c->e, c->out, of_decimal(d));
}

void give_text(const struct call *c, const char *text, size_t length) {
    const char *kept = arena_strndup(c->e->arena, text, length);
    if (kept != NULL)
        push(c->e, c->out, of_text(kept, length));
    else
        out_of_memory(c->e);
}

void give_str(const struct call *c, struct str *s) {
    if (s->failed || s->length > MOST_TEXT)
        out_of_memory(c->e);
    else if (s->length == 0)
        give_text(c, "", 0);
    else
        give_text(c, s->data, s->length);
    str_free(s);
}

void argument(const struct call *c, size_t n, collection *out) {
    if (n < c->x->arg_count)
        evaluate_on(c->e, c->x->args[n], NULL, -1, out);
}

bool argument_integer(const struct call *c, size_t n, int64_t *out) {
    collection values = { 0 };
    argument(c, n, &values);
    return single_integer(c->e, c->x, &values, out);
}

bool argument_text(const struct call *c, size_t n, struct text *out) {
    collection values = { 0 };
    argument(c, n, &values);
    return single_text(c->e, c->x, &values, out);
}

bool call_texts(const struct call *c, size_t n, struct text *out) {
    bool all = single_text(c->e, c->x, c->in, &out[0]);
    for (size_t i = 0; i < n; i++) {
        bool found = argument_text(c, i, &out[i + 1]);
        all = all && found;
    }
    return all && !has_failed(c->e);
}

bool text_is(const struct text *text, const char *word) {
    return strlen(word) == text->length && memcmp(text->data, word, text->length) == 0;
}
