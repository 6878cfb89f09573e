/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the store for a command. */
#include "core/command/place.h"

#include "core/base/crypt.h"
#include "core/sync/identity_base.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void place_print_error(const struct iptfhir_error *error) {
    const char *colon = error->where[0] != '\0' ? ": " : "";
    fprintf(stderr, "iptfhir: %s%s%s [%s]\n", error->where, colon, error->text, error->code);
}

bool place_help(int argc, char **argv, const char *help) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") != 0)
            continue;
        fputs(help, stdout);
        return true;
    }
    return false;
}

static bool read_routes(struct place *place) {
    const struct config *config = place->config;
    size_t count = 0;
    for (size_t i = 0; i < config->job_count; i++)
        count += config->jobs[i].target_count;
    place->routes = calloc(count + 1, sizeof *place->routes);
    if (place->routes == NULL)
        return false;
    for (size_t i = 0; i < config->job_count; i++) {
        const struct config_job *job = &config->jobs[i];
        for (size_t t = 0; t < job->target_count; t++)
            place->routes[place->route_count++] =
                (struct survey_route) { job->name, job->targets[t]->name };
    }
    return true;
}

bool place_has_folder(const struct config *config, struct iptfhir_error *error) {
    struct stat st;
    char *copy = strdup(config->store_path);
    if (copy == NULL)
        return error_set(error, "memory", NULL, "out of memory");
    const char *folder = dirname(copy);
    bool there = stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
    if (!there)
        error_set(
            error, "missing-file", config->file,
            "the folder of the store, %s, is not there: make it (mkdir -m 700) or set store.path",
            folder);
    free(copy);
    return there;
}

bool place_has_store(const struct config *config) {
    struct stat st;
    return stat(config->store_path, &st) == 0 && st.st_size > 0;
}

int place_open_store(struct place *place, bool write, struct iptfhir_error *error) {
    const struct config *config = place->config;
    unsigned char key[KEY_BYTES], bodies[KEY_BYTES];
    if (!place_has_folder(config, error))
        return EXIT_CONFIG;
    if (!place_has_store(config))
        return EXIT_SETTLED;
    if (!key_load(config->key_file, false, key, error))
        return EXIT_CONFIG;
    bool derived = key_derive(key, "bodies", bodies) && key_derive(key, "log", place->log_key) &&
                   key_derive(key, "hash", place->hash_key);
    crypt_wipe(key, sizeof key);
    if (!derived) {
        error_set(error, "crypt", NULL, "libcrypto refused a key");
        return EXIT_FAULT;
    }
    place->store = store_open_sqlite(config->store_path, write, bodies, error);
    crypt_wipe(bodies, sizeof bodies);
    bool opened = place->store != NULL;
    if (opened && identity_base_check(place->store, config->identity_base, error))
        return EXIT_SETTLED;
    return strcmp(error->code, "store-busy") == 0 ? EXIT_LATER : EXIT_CONFIG;
}

int place_open(struct place *place, bool write, const struct command_options *options) {
    struct report report = { 0 };
    struct iptfhir_error error = ERROR_INIT;
    const struct command_options plain = { .config_path = options->config_path };
    int code = EXIT_CONFIG;
    *place = (struct place) { 0 };
    place->config = config_load(options->config_path, &report);
    if (place->config == NULL)
        command_print_report(stderr, &report, &plain);
    else if (read_routes(place))
        code = place_open_store(place, write, &error);
    else
        code = EXIT_FAULT;
    if (error_is_set(&error))
        place_print_error(&error);
    report_free(&report);
    return code;
}

void place_close(struct place *place) {
    if (place->store != NULL)
        place->store->calls->close(place->store);
    crypt_wipe(place->log_key, sizeof place->log_key);
    crypt_wipe(place->hash_key, sizeof place->hash_key);
    free(place->routes);
    config_free(place->config);
}
