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
    bool in_logs = crypt_log_name(s->place->log_key, text, name) && strcmp(name, s->hash) == 0;
    if (in_logs)
        return true;
    return crypt_log_name(s->place->hash_key, text, name) && strcmp(name, s->hash) == 0;
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
    const struct tree *patient = tree_get(facts, "patient");
    const char *local_id = patient != NULL ? tree_text(patient, "localId") : NULL;
    if (s->found == 0 && local_id != NULL && is_named(s, local_id))
        put(s, "patient", record->job, local_id);
}

static bool look_at_record(void *user, const struct store_record *record) {
    struct search *s = user;
    if (is_named(s, record->id))
        put(s, "record", record->job, record->id);
    bool held = record->state == STORE_RECORD_HELD && record->facts.length > 0;
    if (!held || s->found > 0)
        return true;
    arena_reset(&s->arena);
    const struct tree *facts =
        json_read_copy(&s->arena, record->facts.data, record->facts.length, NULL, NULL);
    const struct tree *refused = facts != NULL ? tree_get(facts, "held") : NULL;
    if (refused == NULL || refused->kind != TREE_ARRAY)
        return true;
    for (const struct tree *one = refused->first; one != NULL; one = one->next)
        look_at_facts(s, record, one);
    return true;
}

static bool look_at_hold(void *user, const struct store_hold *hold) {
    struct search *s = user;
    if (s->found == 0 && hold->key.record[0] != '\0' && is_named(s, hold->key.record))
        put(s, "record", hold->key.job, hold->key.record);
    return true;
}

/* Looks for one hash; *fault: the store can't be read. */
static bool find(struct search *s, struct iptfhir_error *error) {
    struct store *store = s->place->store;
    bool good = store->calls->patients(store, look_at_patient, s, error);
    good = good && store->calls->records(store, NULL, look_at_record, s, error);
    return good && store->calls->holds(store, NULL, look_at_hold, s, error);
}

int command_who(int argc, char **argv, const struct command_options *options) {
    struct place place;
    struct iptfhir_error error = ERROR_INIT;
    bool json = options->json;
    if (place_help(argc, argv, help))
        return EXIT_SETTLED;
    if (argc < 2) {
        fputs(help, stderr);
        return EXIT_WRONG_USE;
    }
    int code = place_open(&place, false, options);
    for (int i = 1; i < argc && code != EXIT_CONFIG && code != EXIT_FAULT; i++) {
        struct search s = { .place = &place, .hash = argv[i], .json = json };
        if (strcmp(argv[i], "--json") == 0)
            continue;
        if (place.store != NULL && !find(&s, &error))
            code = EXIT_FAULT;
        else if (s.found == 0)
            code = EXIT_BAD_INPUT;
        if (s.found == 0 && code == EXIT_BAD_INPUT)
            fprintf(stderr,
                    "iptfhir: nothing in the store has the hash %s: it may be of another "
                    "installation, or its key was changed\n",
                    argv[i]);
        if (s.out.data != NULL)
            fputs(s.out.data, stdout);
        str_free(&s.out);
        arena_free(&s.arena);
    }
    if (error_is_set(&error))
        place_print_error(&error);
    place_close(&place);
    return code;
}
