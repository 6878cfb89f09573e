/* SPDX-License-Identifier: Apache-2.0 */
/* The parent of ingest and delivery. */
#include "core/sync/service.h"

#include "core/base/clock.h"
#include "core/base/crypt.h"
#include "core/base/key.h"
#include "core/base/log.h"
#include "core/command/command.h"
#include "core/store/store.h"
#include "core/sync/courier.h"
#include "core/sync/ingest.h"
#include "core/sync/pipe.h"
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
#define DEATHS_WITHOUT_MARK 3 /* a source that crashes: the job fails */
#define DEATHS_OF_DELIVERY 3  /* then the job fails */
#define GRACE_MS 10000        /* from asking a child to stop to killing it */
enum { INGESTS = 40 /* that one delivery can follow, each with a pipe of its own */ };

static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number) {
    asked_to_stop = number;
}

struct service {
    const struct config *config;
    const struct config_job *job;
    const char *const *later; /* jobs that are read after this one */
    int lock;
    struct shared *page;
    unsigned char key[KEY_BYTES];
    int pipes[INGESTS][2]; /* [0] ingest's end, [1] delivery's; -1: closed here */
    size_t ingests;        /* started with these pipes */
    pid_t ingest, delivery;
    int ingest_code, delivery_code; /* -1: still running */
    int unmarked_deaths, delivery_deaths;
    bool killed_for_memory, killed_for_time, killed_for_silence;
    bool killed_after_grace; /* ingest: its death is put down to nothing */
    int64_t stop_since;
};

/* ---- pipes ---- */

static void close_end(int *descriptor) {
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static void close_pipes(struct service *s) {
    for (size_t i = 0; i < INGESTS; i++) {
        close_end(&s->pipes[i][0]);
        close_end(&s->pipes[i][1]);
    }
}

static bool open_pipes(struct service *s, struct iptfhir_error *error) {
    s->ingests = 0;
    s->page->ingests_ended = 0;
    for (size_t i = 0; i < INGESTS; i++)
        if (!pipe_pair(s->pipes[i], error))
            return false;
    return true;
}

/* ---- starting ---- */

/* Makes a process that dies with its parent; 0 within it, below 0 when it can't be made. */
static pid_t start(void) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAULT);
    signal(SIGINT, SIG_IGN); /* the parent stops us in order */
    signal(SIGHUP, SIG_IGN);
    return 0;
}

/* Starts delivery with its ends of all pipes. */
static void start_delivery(struct service *s) {
    int ends[INGESTS];
    s->delivery_code = -1;
    s->page->delivery_returned = false;
    s->delivery = start();
    if (s->delivery < 0)
        s->delivery_code = EXIT_FAULT;
    if (s->delivery != 0) {
        for (size_t i = 0; i < INGESTS; i++)
            close_end(&s->pipes[i][1]);
        return;
    }
    for (size_t i = 0; i < INGESTS; i++) {
        close_end(&s->pipes[i][0]);
        ends[i] = s->pipes[i][1];
    }
    int code = courier_run(s->config, s->job, s->later, s->page, s->key, ends, INGESTS);
    s->page->delivery_returned = true;
    _exit(code);
}

/* No ingest follows: delivery sees the end of all pipes. */
static void end_ingests(struct service *s, int code) {
    s->ingest_code = code;
    s->page->ingest_done = true;
    s->page->ingests_ended = INGESTS;
    for (size_t i = 0; i < INGESTS; i++)
        close_end(&s->pipes[i][0]);
}

/* Starts the next ingest with the next pipe. */
static void start_ingest(struct service *s) {
    size_t mine = s->ingests++;
    s->ingest_code = -1;
    s->killed_for_memory = s->killed_for_time = s->killed_for_silence = false;
    s->page->source_since_ms = 0;
    s->page->ingest_returned = false;
    s->page->records = s->page->unchanged = s->page->refused = s->page->accepted = 0;
    s->page->ingest_done = false;
    s->ingest = start();
    if (s->ingest < 0) {
        log_line(IPTFHIR_ERROR, "cannot start ingest: %s; run the command again", strerror(errno));
        end_ingests(s, EXIT_FAULT);
        return;
    }
    if (s->ingest > 0) {
        (void)setpgid(s->ingest, s->ingest); /* also there: whoever comes first */
        close_end(&s->pipes[mine][0]);
        return;
    }
    (void)setpgid(0, 0); /* what its plugins start goes with it */
    close(s->lock);      /* and holds no store */
    for (size_t i = 0; i < INGESTS; i++) {
        close_end(&s->pipes[i][1]);
        if (i != mine)
            close_end(&s->pipes[i][0]);
    }
    int code = ingest_run(s->config, s->job, s->page, s->key, s->pipes[mine][0]);
    s->page->ingest_returned = true;
    _exit(code);
}

/* ---- deaths of ingest ---- */

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
    if (sscanf(text, "%ld %ld", &size, &pages) != 2)
        return 0;
    return (long)((int64_t)pages * sysconf(_SC_PAGESIZE) >> 20);
}

/* True when a thread has had its record for too long. */
static bool is_hanging(const struct service *s) {
    int64_t now = clock_steady_ms();
    int64_t most = s->config->limits.record_seconds * 1000;
    for (size_t i = 0; i < SHARED_THREADS; i++) {
        int64_t since = s->page->marks[i].since_ms;
        if (since != 0 && now - since > most)
            return true;
    }
    return false;
}

/* True when a plugin has begun, or the source has given nothing, for too long. */
static bool is_silent(const struct service *s) {
    int64_t since = s->page->source_since_ms;
    int64_t most = s->config->limits.source_seconds * 1000;
    return since != 0 && clock_steady_ms() - since > most;
}

/* Ends an ingest whose mapper hangs on a record or swallows memory, or whose source hangs. */
static void guard_ingest(struct service *s) {
    if (s->killed_for_time || s->killed_for_memory || s->killed_for_silence)
        return; /* it is dying: what killed it stays known until it is reaped */
    s->killed_for_time = is_hanging(s);
    s->killed_for_memory = memory_of(s->ingest) > s->config->limits.ingest_memory_mib;
    s->killed_for_silence = is_silent(s);
    if (s->killed_for_time || s->killed_for_memory || s->killed_for_silence)
        kill(s->ingest, SIGKILL);
}

/* Says how ingest died. */
static void tell_how(const struct service *s, int status, char *out, size_t size) {
    if (s->killed_for_time)
        snprintf(out, size, "did not return within %lld s",
                 (long long)s->config->limits.record_seconds);
    else if (s->killed_for_memory)
        snprintf(out, size, "took more than %lld MiB",
                 (long long)s->config->limits.ingest_memory_mib);
    else if (s->killed_for_silence)
        snprintf(out, size, "did nothing for %lld s (limits.source_seconds)",
                 (long long)s->config->limits.source_seconds);
    else if (WIFSIGNALED(status))
        snprintf(out, size, "crashed (signal %d)", WTERMSIG(status));
    else
        snprintf(out, size, "ended the process (exit code %d)", WEXITSTATUS(status));
}

static struct shared_suspect *suspect_of(struct shared *page, uint64_t record) {
    for (uint32_t i = 0; i < page->suspect_count; i++)
        if (page->suspects[i].record == record)
            return &page->suspects[i];
    if (page->suspect_count == SHARED_SUSPECTS)
        return NULL;
    struct shared_suspect *s = &page->suspects[page->suspect_count++];
    *s = (struct shared_suspect) { .record = record };
    return s;
}

static bool is_stopping(const struct service *s) {
    return s->page->stop || asked_to_stop != 0;
}

/* What comes of a record that was in hand at a death, for people. */
static const char *what_follows(const struct service *s, bool alone) {
    if (is_stopping(s))
        return "; the next sync reads it again";
    return alone ? ": held [plugin-crash]" : "; it is tried once more, alone";
}

/* Notes a record that was in hand. One that was alone is guilty. False: there is no more room. */
static bool note_suspect(struct service *s, const struct shared_mark *mark, const char *how) {
    bool alone = s->page->alone;
    struct shared_suspect *suspect = suspect_of(s->page, mark->record);
    if (suspect == NULL)
        return false;
    const char *who = *mark->plugin != '\0' ? mark->plugin : "reading";
    suspect->guilty = suspect->guilty || alone;
    suspect->in_reading = *mark->plugin == '\0';
    snprintf(suspect->how, sizeof suspect->how,
             "%s %s on this record, also alone; it waits until it or the plugin changes", who, how);
    log_line(IPTFHIR_ERROR, "%s %s on a record%s", who, how, what_follows(s, alone));
    return true;
}

/* Ingest died: puts it down to the records in hand. False when the job must end. */
static bool note_death(struct service *s, int status) {
    char how[64];
    bool any = false;
    tell_how(s, status, how, sizeof how);
    for (size_t i = 0; i < SHARED_THREADS; i++) {
        struct shared_mark *mark = &s->page->marks[i];
        if (mark->since_ms == 0)
            continue;
        any = true;
        if (!note_suspect(s, mark, how)) {
            log_line(IPTFHIR_ERROR, "too many records end the mappers: the job stops");
            return false;
        }
        mark->since_ms = 0;
    }
    s->page->alone = false;
    if (any)
        return true;
    log_line(IPTFHIR_ERROR, "ingest died with no record in hand (%s); source %s", how,
             s->job->source->name);
    return ++s->unmarked_deaths < DEATHS_WITHOUT_MARK;
}

/* ---- watching ---- */

/* Ends ingest with what its plugins started, and waits until it is gone. */
static void end_ingest(pid_t pid) {
    (void)kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

/* Ingest ended: when it died, the poll is begun anew. */
static void reap_ingest(struct service *s, int status) {
    bool died = !s->page->ingest_returned; /* whatever its exit code: a plugin may have chosen it */
    bool by_itself = died && !s->killed_after_grace;
    (void)kill(-s->ingest, SIGKILL); /* what its plugins left behind */
    s->page->ingests_ended = (uint32_t)s->ingests;
    bool may_go_on = by_itself && note_death(s, status);
    if (may_go_on && !is_stopping(s) && s->ingests < INGESTS)
        start_ingest(s);
    else
        end_ingests(s, died ? EXIT_FAULT : WEXITSTATUS(status));
}

/* Asks the children to stop, and notes since when. */
static void ask_to_stop(struct service *s) {
    if (s->page->stop)
        return;
    s->stop_since = clock_steady_ms();
    s->page->stop = true;
}

/* Delivery ended: when it died, both begin anew; what was in flight is looked for first. */
static void reap_delivery(struct service *s, int status) {
    struct iptfhir_error error = ERROR_INIT;
    bool died = !s->page->delivery_returned;
    s->delivery_code = died ? EXIT_FAULT : WEXITSTATUS(status);
    bool may_restart = died && !is_stopping(s);
    if (died)
        log_line(IPTFHIR_ERROR, "delivery died (signal %d)%s",
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                 may_restart ? "; it begins anew with what was in flight" : "");
    if (may_restart && ++s->delivery_deaths < DEATHS_OF_DELIVERY) {
        if (s->ingest_code < 0)
            end_ingest(s->ingest);
        for (size_t i = 0; i < SHARED_THREADS; i++)
            s->page->marks[i].since_ms = 0;
        close_pipes(s);
        if (open_pipes(s, &error)) {
            start_delivery(s);
            start_ingest(s);
            return;
        }
        log_line(IPTFHIR_ERROR, "%s; run the command again [%s]", error.text, error.code);
        s->ingest_code = EXIT_FAULT;
    }
    if (s->delivery_code != EXIT_SETTLED)
        ask_to_stop(s);
}

/* Somebody asks us to stop: the children are asked, unless they were before. */
static void hear_signal(struct service *s) {
    if (asked_to_stop == 0 || s->page->stop)
        return;
    log_line(IPTFHIR_INFO, "stopping after what is under way");
    ask_to_stop(s);
}

/* Kills children that were asked to stop, after the grace. */
static void end_grace(struct service *s) {
    bool over = s->page->stop && clock_steady_ms() - s->stop_since > GRACE_MS;
    if (!over)
        return;
    s->killed_after_grace = s->ingest_code < 0;
    kill(s->killed_after_grace ? s->ingest : s->delivery, SIGKILL);
}

/* Watches both children until they have ended. */
static void watch(struct service *s, struct progress *progress) {
    while (s->ingest_code < 0 || s->delivery_code < 0) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0 && pid == s->ingest)
            reap_ingest(s, status);
        if (pid > 0 && pid == s->delivery)
            reap_delivery(s, status);
        if (pid > 0)
            continue;
        hear_signal(s);
        end_grace(s);
        if (s->ingest_code < 0)
            guard_ingest(s);
        progress_show(progress, s->page);
        usleep(WATCH_MS * 1000);
    }
}

/* Catches the signals that end a sync in order. */
static void catch_signals(void) {
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* Runs both children to their end. */
static int run_children(struct service *s) {
    struct progress progress;
    catch_signals();
    progress_start(&progress);
    start_delivery(s);
    start_ingest(s);
    watch(s, &progress);
    progress_end(&progress, s->page);
    if (asked_to_stop != 0)
        return 128 + asked_to_stop;
    bool ingest_failed = s->ingest_code != EXIT_SETTLED && s->ingest_code != EXIT_LATER;
    bool delivery_failed = s->delivery_code != EXIT_SETTLED && s->delivery_code != EXIT_LATER;
    if (s->delivery_code == EXIT_CONFIG)
        return EXIT_CONFIG; /* ingest then only says that the other process is gone */
    if (ingest_failed)
        return s->ingest_code;
    if (delivery_failed)
        return s->delivery_code;
    bool goes_on = s->later[0] != NULL; /* with what waits, in the next job's delivery */
    bool waits = s->delivery_code == EXIT_LATER && !goes_on;
    return waits || s->ingest_code == EXIT_LATER ? EXIT_LATER : EXIT_SETTLED;
}

int service_sync(const struct config *config, const struct config_job *job,
                 const char *const *later) {
    struct iptfhir_error error = ERROR_INIT;
    struct service s = {
        .config = config, .job = job, .later = later, .ingest_code = -1, .delivery_code = -1
    };
    int code = EXIT_FAULT;
    memset(s.pipes, 0xff, sizeof s.pipes);
    int lock = store_lock(config->store_path, "sync", &error);
    if (lock < 0) {
        fprintf(stderr, "iptfhir: %s: %s [%s]\n", error.where, error.text, error.code);
        return EXIT_LATER;
    }
    s.lock = lock;
    s.page = shared_new();
    if (s.page == NULL)
        error_set(&error, "memory", NULL, "out of memory");
    else if (!key_load(config->key_file, !config->key_file_given, s.key, &error))
        code = EXIT_CONFIG;
    else if (open_pipes(&s, &error))
        code = run_children(&s);
    if (error_is_set(&error))
        fprintf(stderr, "iptfhir: %s%s%s [%s]\n", error.where, *error.where ? ": " : "", error.text,
                error.code);
    crypt_wipe(s.key, sizeof s.key);
    close_pipes(&s);
    shared_free(s.page);
    close(lock);
    return code;
}
