/* SPDX-License-Identifier: Apache-2.0 */
/* Measures a command: seconds, CPU seconds of all its processes, and the peak memory of each.
 * measure SECONDS OUT COMMAND...: the command is killed after SECONDS. OUT gets one line: wall user
 * system, then the peaks in KiB of the command, of the largest child without and of the largest
 * child with a system call filter (iptfhir's delivery and ingest), 0: there was none. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 5, CHILDREN_MOST = 64 };
enum role { COMMAND, OPEN_CHILD, FILTERED_CHILD, ROLES };

static int64_t steady_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Looks at a process; false when it has gone. */
static bool look(long pid, long *kib, bool *filtered) {
    char path[64], line[256];
    (void)snprintf(path, sizeof path, "/proc/%ld/status", pid);
    FILE *status = fopen(path, "r");
    if (status == NULL)
        return false;
    *kib = 0;
    *filtered = false;
    while (fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            *kib = strtol(line + 6, NULL, 10);
        if (strncmp(line, "Seccomp:", 8) == 0)
            *filtered = strtol(line + 8, NULL, 10) == 2;
    }
    (void)fclose(status);
    return *kib > 0;
}

/* Lists the children of a process's first thread. */
static size_t list_children(long pid, long *list) {
    char path[64];
    size_t count = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
    FILE *children = fopen(path, "r");
    if (children == NULL)
        return 0;
    while (count < CHILDREN_MOST && fscanf(children, "%ld", &list[count]) == 1)
        count++;
    (void)fclose(children);
    return count;
}

static void note(long *peak, long kib) {
    if (kib > *peak)
        *peak = kib;
}

/* Notes the peaks of a command and its children as they are now. */
static void look_at_all(long command, long peaks[ROLES]) {
    long list[CHILDREN_MOST], kib;
    bool filtered;
    if (look(command, &kib, &filtered))
        note(&peaks[COMMAND], kib);
    size_t count = list_children(command, list);
    for (size_t i = 0; i < count; i++) {
        if (look(list[i], &kib, &filtered))
            note(&peaks[filtered ? FILTERED_CHILD : OPEN_CHILD], kib);
    }
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* Waits for the command and looks at it meanwhile; returns its status. */
static int watch(pid_t command, int64_t end_ms, long peaks[ROLES], struct rusage *usage) {
    const struct timespec pause = { 0, LOOK_MS * 1000000L };
    int status = 0;
    bool killed = false;
    while (wait4(command, &status, WNOHANG, usage) == 0) {
        look_at_all(command, peaks);
        if (!killed && steady_ms() > end_ms)
            killed = kill(command, SIGTERM) == 0;
        (void)nanosleep(&pause, NULL);
    }
    if (killed)
        return 124;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv) {
    long peaks[ROLES] = { 0 };
    struct rusage usage;
    if (argc < 4) {
        fputs("usage: measure SECONDS OUT COMMAND...\n", stderr);
        return 64;
    }
    int64_t start = steady_ms();
    pid_t command = fork();
    if (command == 0) {
        (void)execvp(argv[3], argv + 3);
        fprintf(stderr, "measure: %s: %s\n", argv[3], strerror(errno));
        _exit(127);
    }
    if (command < 0)
        return 71;
    int code = watch(command, start + strtol(argv[1], NULL, 10) * 1000, peaks, &usage);
    FILE *out = fopen(argv[2], "w");
    if (out == NULL)
        return 73;
    fprintf(out, "%.3f %.3f %.3f %ld %ld %ld\n", (double)(steady_ms() - start) / 1000,
            seconds_of(usage.ru_utime), seconds_of(usage.ru_stime), peaks[COMMAND],
            peaks[OPEN_CHILD], peaks[FILTERED_CHILD]);
    return fclose(out) == 0 ? code : 73;
}
