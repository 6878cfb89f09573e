/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the corpus without a fuzzer: each file as it is, cut off after each byte, and with bytes
 * changed by a fixed rule. Arguments: files; without any, those of tests/fuzz/answers. */
#include "tests/fuzz/answers.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES = 400, SIZE_MOST = 1 << 20 };

/* Returns the next number of a fixed sequence. */
static uint32_t next_number(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Runs a file with one to four bytes changed, again and again. */
static void run_changed(const uint8_t *data, size_t size) {
    static const char signs[] = "{}[]\",:\\0-\x80 \n";
    uint32_t state = 1;
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL)
        abort();
    for (int i = 0; i < CHANGES && size > 0; i++) {
        uint32_t count = next_number(&state) % 4 + 1;
        memcpy(copy, data, size);
        for (uint32_t k = 0; k < count; k++) {
            size_t at = next_number(&state) % size;
            copy[at] = (uint8_t)signs[next_number(&state) % (sizeof signs - 1)];
        }
        (void)LLVMFuzzerTestOneInput(copy, size);
    }
    free(copy);
}

/* Runs a file; false when it cannot be read. */
static bool run_file(const char *path, uint8_t *data) {
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return false;
    size_t size = fread(data, 1, SIZE_MOST, f);
    bool good = ferror(f) == 0 && size > 0;
    (void)fclose(f);
    for (size_t cut = 0; good && cut <= size; cut++)
        (void)LLVMFuzzerTestOneInput(data, cut);
    if (good)
        run_changed(data, size);
    return good;
}

/* Runs all files of a folder; false when there are none or one cannot be read. */
static bool run_folder(const char *folder, uint8_t *data) {
    char pattern[4096];
    glob_t found;
    bool good = true;
    (void)snprintf(pattern, sizeof pattern, "%s/tests/fuzz/answers/*", folder);
    if (glob(pattern, 0, NULL, &found) != 0)
        return false;
    for (size_t i = 0; good && i < found.gl_pathc; i++)
        good = run_file(found.gl_pathv[i], data);
    globfree(&found);
    return good;
}

int main(int argc, char **argv) {
    const char *folder = getenv("top_srcdir");
    uint8_t *data = malloc(SIZE_MOST);
    bool good = data != NULL;
    if (good && argc < 2)
        good = run_folder(folder != NULL ? folder : ".", data);
    for (int i = 1; i < argc && good; i++)
        good = run_file(argv[i], data);
    free(data);
    if (!good)
        fprintf(stderr, "corpus: a file cannot be read; run it through make check\n");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
