/* SPDX-License-Identifier: Apache-2.0 */
/* Functions with regular expressions (N1 section 5.6): a pattern may take only so many steps. */
#include "core/fhirpath/internal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#define REGEX_STEPS 100000
#define REGEX_DEPTH 1000
#define MOST_TEXT (16u << 20) /* bytes of a text with replacements */

/* The options that flags name; unknown ones mean nothing. */
static uint32_t options_of(const struct text *flags) {
    uint32_t options = PCRE2_UTF | PCRE2_DOTALL;
    for (size_t i = 0; i < flags->length; i++) {
        if (flags->data[i] == 'i')
            options |= PCRE2_CASELESS;
        if (flags->data[i] == 'm')
            options |= PCRE2_MULTILINE;
    }
    return options;
}

/* Compiles a pattern; NULL with an error. */
static pcre2_code *compile(const struct call *c, const struct text *pattern,
                           const struct text *flags) {
    int code;
    size_t at;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern->data, pattern->length, options_of(flags),
                                   &code, &at, NULL);
    if (re == NULL)
        evaluation_error(c->e, c->x, "the pattern is no regular expression (at its character %zu)",
                         at + 1);
    return re;
}

/* Runs a pattern once within its limits; PCRE2's result. */
static int match(const pcre2_code *re, const struct text *text, uint32_t options) {
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(re, NULL);
    int rc = PCRE2_ERROR_NOMEMORY;
    if (limits != NULL && data != NULL) {
        pcre2_set_match_limit(limits, REGEX_STEPS);
        pcre2_set_depth_limit(limits, REGEX_DEPTH);
        rc = pcre2_match(re, (PCRE2_SPTR)text->data, text->length, 0, options, data, limits);
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    return rc;
}

/* Gives whether the input matches the pattern: text, pattern, flags. */
static void give_match(const struct call *c, uint32_t options) {
    struct text s[3] = { 0 };
    if (!call_texts(c, c->x->arg_count, s))
        return;
    pcre2_code *re = compile(c, &s[1], &s[2]);
    if (re == NULL)
        return;
    int rc = match(re, &s[0], options);
    pcre2_code_free(re);
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
        give_boolean(c, rc >= 0);
    else
        evaluation_error(c->e, c->x, "the pattern takes too long on this text");
}

static void do_matches(const struct call *c) {
    give_match(c, 0);
}

static void do_matches_full(const struct call *c) {
    give_match(c, PCRE2_ANCHORED | PCRE2_ENDANCHORED);
}

/* How many bytes a text may have when its matches are replaced. */
static size_t room_for(const struct text *text, const struct text *with) {
    size_t room = text->length * 4 + with->length * 64 + 256;
    return room > MOST_TEXT ? MOST_TEXT : room;
}

/* Replaces all matches within the limits; false when that can't be done. */
static bool substitute(const pcre2_code *re, const struct text *text, const struct text *with,
                       struct str *out) {
    const uint32_t options = PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY;
    size_t length = room_for(text, with);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    char *made = malloc(length);
    int rc = PCRE2_ERROR_NOMEMORY;
    if (limits != NULL && made != NULL) {
        pcre2_set_match_limit(limits, REGEX_STEPS);
        rc = pcre2_substitute(re, (PCRE2_SPTR)text->data, text->length, 0, options, NULL, limits,
                              (PCRE2_SPTR)with->data, with->length, (PCRE2_UCHAR *)made, &length);
    }
    if (rc >= 0)
        str_add(out, made, length);
    free(made);
    pcre2_match_context_free(limits);
    return rc >= 0;
}

/* text, pattern, substitution, flags; an empty pattern matches nothing. */
static void do_replace_matches(const struct call *c) {
    struct text s[4] = { 0 };
    struct str changed = { 0 };
    if (!call_texts(c, c->x->arg_count, s))
        return;
    if (s[1].length == 0) {
        give_text(c, s[0].data, s[0].length);
        return;
    }
    pcre2_code *re = compile(c, &s[1], &s[3]);
    if (re == NULL)
        return;
    if (!substitute(re, &s[0], &s[2], &changed))
        evaluation_error(c->e, c->x, "this replacement cannot be made");
    pcre2_code_free(re);
    give_str(c, &changed);
}

const struct function functions_regex[] = {
    { "matches", 1, 2, do_matches },
    { "matchesFull", 1, 2, do_matches_full },
    { "replaceMatches", 2, 3, do_replace_matches },
    { NULL, 0, 0, NULL },
};
