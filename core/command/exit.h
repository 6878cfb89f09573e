/* SPDX-License-Identifier: Apache-2.0 */
/* The exit codes of commands, and which of several counts. Scripts are written against them. */
#ifndef CORE_COMMAND_EXIT_H
#define CORE_COMMAND_EXIT_H

/* Exit codes (DESIGN.md section 7; 64 and 65 as in sysexits.h). 128 + n says that signal n ended
 * the command in order. */
enum {
    EXIT_SETTLED = 0,     /* all in step */
    EXIT_HELD = 1,        /* something waits for a person, or an alert is open */
    EXIT_WRONG_USE = 64,  /* the command line is wrong */
    EXIT_BAD_INPUT = 65,  /* an input cannot be used */
    EXIT_FAULT = 70,      /* a fault of ours */
    EXIT_LATER = 75,      /* something waits for a retry */
    EXIT_CONFIG = 78,     /* the configuration or the place is wrong */
    EXIT_BY_SIGNAL = 128, /* plus the signal's number */
    EXIT_MOST = 255
};

/* The code that a command of two parts (jobs, files, processes) ends with: the graver one, by the
 * table in exit.c: in step, held, waits, unusable input, configuration, wrong use, a fault, a
 * signal. A code that isn't in the table counts as a fault (70). Of two signals, the first. */
int exit_gravest(int first, int second);
#endif
