/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several exit codes is the gravest. */
#include "core/command/exit.h"

#include <stddef.h>

/* From the least to the gravest. */
static const int by_gravity[] = {
    EXIT_SETTLED, EXIT_HELD, EXIT_LATER, EXIT_BAD_INPUT, EXIT_CONFIG, EXIT_WRONG_USE, EXIT_FAULT,
};

enum { KNOWN = sizeof by_gravity / sizeof by_gravity[0], SIGNAL_GRAVITY = KNOWN };

/* Gives a code that the table has, or one of a signal. */
static int known_code(int code) {
    if (code > EXIT_BY_SIGNAL && code <= EXIT_MOST)
        return code;
    for (size_t i = 0; i < KNOWN; i++) {
        if (by_gravity[i] == code)
            return code;
    }
    return EXIT_FAULT;
}

/* Ranks a code that known_code() gave. */
static int gravity_of(int code) {
    for (int i = 0; i < KNOWN; i++) {
        if (by_gravity[i] == code)
            return i;
    }
    return SIGNAL_GRAVITY;
}

int exit_gravest(int first, int second) {
    int a = known_code(first);
    int b = known_code(second);
    return gravity_of(b) > gravity_of(a) ? b : a;
}
