/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the SQLite store: the contract, its file, keys, damage, and failing allocations. */
#include "core/base/alloc.h"
#include "core/store/conformance.h"
#include "core/store/sqlite.h"
#include "core/store/sqlite_vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK(call) ck_assert_msg((call), "%s [%s]", error.text, error.code)

static const unsigned char key[32] = "a key of thirty-two bytes, so it";
static char folder[64], path[96];
static struct iptfhir_error error;

static void make_folder(void) {
    const char *root = getenv("TMPDIR");
    error = (struct iptfhir_error)ERROR_INIT;
    snprintf(folder, sizeof folder, "%s/iptfhir-store-XXXXXX", root != NULL ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/store.db", folder);
}

static void remove_folder(void) {
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct store *open_store(void) {
    struct store *s;
    struct stat st;
    if (stat(path, &st) != 0) {
        s = store_open_sqlite(path, true, key, &error);
        ck_assert_msg(s != NULL, "%s", error.text);
        sqlite_of(s)->wait_ms = 20;
        return s;
    }
    s = store_open_sqlite_on(path, true, key, NULL, 20, &error);
    ck_assert_msg(s != NULL, "%s", error.text);
    return s;
}

int main(void) {
    static const struct conformance_factory factory = {
        "the store in SQLite", make_folder, remove_folder, open_store, NULL,
    };
    Suite *suite = conformance_suite(&factory);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? 0 : 1;
}
