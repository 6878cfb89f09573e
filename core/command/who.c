/* SPDX-License-Identifier: Apache-2.0 */
/* iptfhir who: whom a hash in a log or in a held item's detail names. */
#include "core/base/crypt.h"
#include "core/base/str.h"
#include "core/command/place.h"
#include "core/tree/tree.h"

#include <string.h>

static const char help[] =
    "usage: iptfhir [-c FILE] [--json] who HASH...\n\n"
    "The record or patient that a hash in a log line or in an item's detail names, for whoever "
    "may\n"
    "read the store and its key. Prints patient data. Exit: 0, or 65 when nothing has that hash.\n";

struct search {
    const struct place *place;
    const char *hash;
    bool json;
    size_t found;
    struct arena arena; /* of a record's facts */
    struct str out;
};

/* Whether the hash is that of a text, under one of the keys that names are made with. */
static bool is_named(const struct search *s, const char *text) {
    char name[17];
    const unsigned char *const keys[] = { s->place->log_key, s->place->hash_key };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (crypt_log_name(keys[i], text, name) && strcmp(name, s->hash) == 0)
            return true;
    }
    return false;
}

static void put(struct search *s, const char *what, const char *of, const char *id) {
    if (s->json) {
        str_printf(&s->out, "{\"hash\": \"%s\", \"is\": \"%s\", \"of\": ", s->hash, what);
        str_json(&s->out, of, strlen(of));
        str_puts(&s->out, ", \"id\": ");
        str_json(&s->out, id, strlen(id));
        str_puts(&s->out, "}\n");
    } else {
        str_printf(&s->out, "%s: %s %s of %s\n", s->hash, what, id, of);
    }
    s->found++;
}

static bool look_at_patient(void *user, const struct store_patient *patient) {
    struct search *s = user;
    if (is_named(s, patient->local_id))
        put(s, "patient", patient->clinic, patient->local_id);
    return true;
}

/* The patient that facts are about; a record that is held may name one that has no row yet. */
static void look_at_facts(struct search *s, const struct store_record *record,
                          const struct tree *facts) {
    const char *local_id = tree_text(tree_get(facts, "patient"), "localId");
    if (s->found == 0 && local_id != NULL && is_named(s, local_id))
        put(s, "patient", record->job, local_id);
}

/* What a record says that is held; NULL: it isn't, or its facts say nothing of it. */
static const struct tree *refused_of(struct search *s, const struct store_record *record) {
    const struct store_bytes facts = record->facts;
    if (record->state != STORE_RECORD_HELD || facts.length == 0)
        return NULL;
    arena_reset(&s->arena);
    const struct tree *refused =
        tree_get(json_read_copy(&s->arena, facts.data, facts.length, NULL, NULL), "held");
    if (refused == NULL || refused->kind != TREE_ARRAY)
        return NULL;
    return refused->first;
}

static bool look_at_record(void *user, const struct store_record *record) {
    struct search *s = user;
    if (is_named(s, record->id))
        put(s, "record", record->job, record->id);
    if (s->found > 0)
        return true;
    for (const struct tree *one = refused_of(s, record); one != NULL; one = one->next)
        look_at_facts(s, record, one);
    return true;
}

static bool look_at_hold(void *user, const struct store_hold *hold) {
    struct search *s = user;
    if (s->found == 0 && hold->key.record[0] != '\0' && is_named(s, hold->key.record))
        put(s, "record", hold->key.job, hold->key.record);
    return true;
}

/* Looks for one hash. False: the store can't be read. */
static bool find(struct search *s, struct iptfhir_error *error) {
    struct store *store = s->place->store;
    if (store == NULL)
        return true;
    if (!store->calls->patients(store, look_at_patient, s, error))
        return false;
    if (!store->calls->records(store, NULL, look_at_record, s, error))
        return false;
    return store->calls->holds(store, NULL, look_at_hold, s, error);
}

/* Prints whom one hash names. Returns an exit code. */
static int print_one(const struct place *place, const char *hash, bool json,
                     struct iptfhir_error *error) {
    struct search s = { .place = place, .hash = hash, .json = json };
    int code = EXIT_SETTLED;
    if (!find(&s, error)) {
        code = EXIT_FAULT;
    } else if (s.found == 0) {
        code = EXIT_BAD_INPUT;
        fprintf(stderr,
                "iptfhir: nothing in the store has the hash %s: it may be of another "
                "installation, or its key was changed\n",
                hash);
    }
    if (s.out.data != NULL)
        fputs(s.out.data, stdout);
    str_free(&s.out);
    arena_free(&s.arena);
    return code;
}

int command_who(int argc, char **argv, const struct command_options *options) {
    struct place place;
    struct iptfhir_error error = ERROR_INIT;
    if (place_help(argc, argv, help))
        return EXIT_SETTLED;
    if (argc < 2) {
        fputs(help, stderr);
        return EXIT_WRONG_USE;
    }
    int code = place_open(&place, false, options);
    for (int i = 1; i < argc && code != EXIT_CONFIG && code != EXIT_FAULT; i++) {
        int one = print_one(&place, argv[i], options->json, &error);
        if (one != EXIT_SETTLED)
            code = one;
    }
    if (error_is_set(&error))
        place_print_error(&error);
    place_close(&place);
    return code;
}
