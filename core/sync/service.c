/* SPDX-License-Identifier: Apache-2.0 */
/* The parent of ingest and delivery. */
#include "core/sync/service.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/command/command.h"
#include "core/store/store.h"
#include "core/sync/delivery.h"
#include "core/sync/ingest.h"
#include "core/sync/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCH_MS 20           /* how often the parent looks */
#define DEATHS_OF_A_RECORD 2  /* then it is held */
#define DEATHS_WITHOUT_MARK 3 /* a source that crashes: the job fails */
#define GRACE_MS 10000        /* from asking a child to stop to killing it */

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number) {
    asked_to_stop = number;
}

struct service {
    const struct config *config;
    const struct config_job *job;
    struct shared *page;
    pid_t ingest, delivery;
    int ingest_code, delivery_code; /* -1: still running */
    int unmarked_deaths;
    bool killed_for_memory, killed_for_time;
    int64_t stop_since;
};

typedef int process_main(const struct config *, const struct config_job *, struct shared *);

/* Start a child; it dies with its parent. */
static pid_t start(const struct service *s, process_main *run) {
    pid_t parent = getpid(), child = fork();
    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAULT);
    signal(SIGINT, SIG_IGN); /* the parent stops us in order */
    signal(SIGTERM, SIG_DFL);
    _exit(run(s->config, s->job, s->page));
}

/* Resident memory of a process in MiB, 0 when unknown. */
static long memory_of(pid_t pid) {
    char path[64], text[128];
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    long size = 0, pages = 0;
    return sscanf(text, "%ld %ld", &size, &pages) == 2
               ? (long)((int64_t)pages * sysconf(_SC_PAGESIZE) >> 20)
               : 0;
}

/* End an ingest whose mapper hangs on a record or swallows memory. */
static void guard_ingest(struct service *s) {
    int64_t since = s->page->mark_since_ms;
    if (s->killed_for_time || s->killed_for_memory)
        return; /* it is dying: what killed it stays known until it is reaped */
    s->killed_for_time =
        since && clock_steady_ms() - since > s->config->limits.record_seconds * 1000;
    s->killed_for_memory = memory_of(s->ingest) > s->config->limits.ingest_memory_mib;
    if (s->killed_for_time || s->killed_for_memory)
        kill(s->ingest, SIGKILL);
}

/* Hold the record that killed ingest twice, and remember its hash so that it is skipped until it
 * changes or is retried. */
static bool hold_record(const struct service *s, struct store *store, const char *why,
                        struct iptfhir_error *error) {
    const struct shared_mark *m = &s->page->mark;
    char key[300], detail[300];
    snprintf(key, sizeof key, "%s\x1f", m->record_id);
    snprintf(detail, sizeof detail,
             "mapper %s %s on this record, twice; the record waits until it or the mapper changes",
             m->plugin, why);
    struct store_hold_in hold = { m->job,         key,    NULL,          m->record_id, "",
                                  "plugin-crash", detail, clock_now_ms() };
    return store_hold(store, &hold, error) &&
           store_set_record(store, m->job, m->record_id, m->hash, error);
}

/* Ingest died: count it on the record in hand. Returns false when the job must end. */
static bool note_death(struct service *s, int status) {
    struct iptfhir_error error = ERROR_INIT;
    char key[400], name[17], how[64];
    if (s->killed_for_time)
        snprintf(how, sizeof how, "did not return within %lld s",
                 (long long)s->config->limits.record_seconds);
    else if (s->killed_for_memory)
        snprintf(how, sizeof how, "took more than %lld MiB",
                 (long long)s->config->limits.ingest_memory_mib);
    else
        snprintf(how, sizeof how, "crashed (signal %d)",
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    if (!s->page->mark_since_ms) {
        log_line(IPTFHIR_ERROR, "ingest died with no record in hand (%s); source %s", how,
                 s->job->source->name);
        return ++s->unmarked_deaths < DEATHS_WITHOUT_MARK;
    }
    const struct shared_mark *m = &s->page->mark;
    snprintf(key, sizeof key, "%s\x1f%s", m->record_id, m->hash);
    int deaths = 0;
    struct store *store = store_open(s->config->store_path, STORE_WRITE, &error);
    bool ok = store && store_begin(store, &error) &&
              store_count_death(store, m->job, key, &deaths, &error);
    if (ok && deaths % DEATHS_OF_A_RECORD == 0)
        ok = hold_record(s, store, how, &error);
    ok = ok && store_commit(store, &error);
    if (store)
        log_set_key(store_log_key(store));
    log_line(IPTFHIR_ERROR, "mapper %s %s on record %s%s", m->plugin, how,
             log_name(m->record_id, name),
             deaths % DEATHS_OF_A_RECORD == 0 ? ": held [plugin-crash]" : "; trying once more");
    if (deaths % DEATHS_OF_A_RECORD == 0)
        s->page->refused++;
    store_close(store);
    s->page->mark_since_ms = 0;
    if (!ok)
        log_line(IPTFHIR_ERROR, "%s [%s]", error.text, error.code);
    return ok;
}

/* A child ended: keep its code, restart ingest when it died. */
static void reap(struct service *s, pid_t pid, int status) {
    bool died = WIFSIGNALED(status) ||
                (WIFEXITED(status) && WEXITSTATUS(status) == 1); /* a sanitizer exits with 1 */
    int code = died ? EXIT_FAULT : WEXITSTATUS(status);
    if (pid == s->ingest) {
        if (died && !s->page->stop && note_death(s, status)) {
            s->killed_for_memory = s->killed_for_time = false;
            s->page->records = s->page->unchanged = 0;
            s->ingest = start(s, ingest_run);
            if (s->ingest > 0)
                return;
        }
        s->ingest_code = code;
        s->page->ingest_done = true;
    } else if (pid == s->delivery) {
        s->delivery_code = code;
        if (died)
            log_line(
                IPTFHIR_ERROR,
                "delivery died (signal %d); what was in flight is searched for at the next sync",
                WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        s->page->stop = s->page->stop || code != EXIT_SETTLED;
    }
}

/* Ask the children to stop; kill them after the grace. */
static void stop_children(struct service *s) {
    int64_t now = clock_steady_ms();
    if (!s->page->stop) {
        log_line(IPTFHIR_INFO, "stopping after what is under way");
        s->page->stop = true;
        s->stop_since = now;
    } else if (s->stop_since && now - s->stop_since > GRACE_MS) {
        kill(s->ingest_code < 0 ? s->ingest : s->delivery, SIGKILL);
    }
}

/* Watch both children until they have ended. */
static void watch(struct service *s, struct progress *progress) {
    while (s->ingest_code < 0 || s->delivery_code < 0) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0) {
            reap(s, pid, status);
            continue;
        }
        if (asked_to_stop)
            stop_children(s);
        if (s->ingest_code < 0)
            guard_ingest(s);
        progress_show(progress, s->page);
        usleep(WATCH_MS * 1000);
    }
}

/* Catch the signals that end a sync in order. */
static void catch_signals(void) {
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

int service_sync(const struct config *config, const struct config_job *job) {
    struct iptfhir_error error = ERROR_INIT;
    struct service s = { .config = config, .job = job, .ingest_code = -1, .delivery_code = -1 };
    struct progress progress;
    int lock = store_lock(config->store_path, "sync", &error), code = EXIT_FAULT;
    if (lock < 0) {
        fprintf(stderr, "iptfhir: %s: %s [%s]\n", error.where, error.text, error.code);
        return EXIT_LATER;
    }
    s.page = shared_new();
    struct store *store = s.page ? store_open(config->store_path, STORE_WRITE, &error) : NULL;
    store_close(store); /* made and migrated before two processes open it */
    if (!store)
        goto out;
    catch_signals();
    progress_start(&progress);
    s.ingest = start(&s, ingest_run);
    s.delivery = start(&s, delivery_run);
    if (s.ingest < 0 || s.delivery < 0) {
        error_set(&error, "fork", NULL, "cannot start a process: %s", strerror(errno));
        s.page->stop = true;
    }
    s.ingest_code = s.ingest < 0 ? EXIT_FAULT : -1;
    s.delivery_code = s.delivery < 0 ? EXIT_FAULT : -1;
    watch(&s, &progress);
    progress_end(&progress, s.page);
    code = asked_to_stop                   ? 128 + asked_to_stop
           : s.ingest_code != EXIT_SETTLED ? s.ingest_code
                                           : s.delivery_code;
out:
    if (error_is_set(&error))
        fprintf(stderr, "iptfhir: %s%s%s [%s]\n", error.where, *error.where ? ": " : "", error.text,
                error.code);
    shared_free(s.page);
    close(lock);
    return code;
}
