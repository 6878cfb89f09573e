/* SPDX-License-Identifier: Apache-2.0 */
/* Trains a zstd dictionary on the lines of standard input: store-train FILE. */
#include "core/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zdict.h>

enum { DICTIONARY = 32768, MOST_LINES = 200000 };

/* Reads standard input; the lengths of its lines, with their ends, go to `lengths`. */
static unsigned read_lines(struct str *all, size_t *lengths) {
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    unsigned count = 0;
    while (count < MOST_LINES && (length = getline(&line, &capacity, stdin)) > 0) {
        str_add(all, line, (size_t)length);
        lengths[count++] = (size_t)length;
    }
    free(line);
    return count;
}

/* Writes the dictionary. */
static bool write_file(const char *path, const void *data, size_t length) {
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    bool ok = fwrite(data, 1, length, file) == length;
    return fclose(file) == 0 && ok;
}

int main(int argc, char **argv) {
    static char dictionary[DICTIONARY];
    struct str all = { 0 };
    size_t *lengths = malloc(MOST_LINES * sizeof *lengths);
    int code = 1;
    if (argc != 2 || lengths == NULL) {
        fputs("usage: store-train FILE <LINES\n", stderr);
        goto out;
    }
    unsigned count = read_lines(&all, lengths);
    size_t size =
        all.failed ? 0 : ZDICT_trainFromBuffer(dictionary, DICTIONARY, all.data, lengths, count);
    if (all.failed || ZDICT_isError(size)) {
        fprintf(stderr, "%u lines train no dictionary: give more of them\n", count);
        goto out;
    }
    if (!write_file(argv[1], dictionary, size)) {
        fprintf(stderr, "cannot write %s: %s\n", argv[1], strerror(errno));
        goto out;
    }
    printf("%s: %zu bytes from %u resources, %zu bytes\n", argv[1], size, count, all.length);
    code = 0;
out:
    free(lengths);
    str_free(&all);
    return code;
}
