/* SPDX-License-Identifier: Apache-2.0 */
/* The progress bar of a sync. */
#include "core/sync/progress.h"

#include "core/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TERMINAL_MS 100
#define PLAIN_MS 10000

void progress_start(struct progress *p) {
    *p = (struct progress) { .terminal = isatty(STDERR_FILENO) == 1,
                             .started_ms = clock_steady_ms() };
    p->last_ms = p->printed_ms = p->started_ms;
}

/* Share of the work that is done, 0 to 1: reading counts while the source is being read, delivery
 * after. */
static double share(const struct shared *page) {
    uint64_t total = page->source_total, read = page->source_done, accepted = page->accepted,
             done = page->delivered + page->held;
    double reading = page->ingest_done ? 1 : total ? (double)read / (double)total : 0;
    double delivering = accepted ? (double)done / (double)accepted : reading;
    double both = reading * (delivering > 1 ? 1 : delivering);
    return both > 1 ? 1 : both;
}

void progress_text(const struct progress *p, const struct shared *page, int width, char *out,
                   size_t size) {
    char bar[41], left[32] = "", paused[128] = "";
    double part = share(page);
    int cells = width > 110 ? 40 : width > 80 ? 20 : 10, filled = (int)(part * cells);
    for (int i = 0; i < cells; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[cells] = '\0';
    double seconds = (double)(clock_steady_ms() - p->started_ms) / 1000;
    if (part > 0.02 && part < 1 && seconds > 1) {
        long wait = (long)(seconds / part - seconds + 1);
        snprintf(left, sizeof left, "  %ld:%02ld left", wait / 60, wait % 60);
    }
    int64_t until = page->paused_until_ms, now = clock_now_ms();
    if (until > now)
        snprintf(paused, sizeof paused, "  %s unreachable, next try in %lld s", page->paused_target,
                 (long long)((until - now) / 1000 + 1));
    snprintf(out, size, "[%s] %3.0f%%  %llu records  %llu delivered  %.0f/s  %llu held%s%s", bar,
             part * 100, (unsigned long long)page->records, (unsigned long long)page->delivered,
             p->rate, (unsigned long long)(page->held + page->refused), left, paused);
}

/* Keep a smoothed rate of resources delivered per second. */
static void measure(struct progress *p, const struct shared *page) {
    int64_t now = clock_steady_ms(), ms = now - p->last_ms;
    if (ms < 200)
        return;
    double rate = (double)(page->delivered - p->last_done) * 1000 / (double)ms;
    p->rate = p->rate > 0 ? p->rate * 0.7 + rate * 0.3 : rate;
    p->last_done = page->delivered;
    p->last_ms = now;
}

void progress_show(struct progress *p, const struct shared *page) {
    int64_t now = clock_steady_ms();
    measure(p, page);
    if (now - p->printed_ms < (p->terminal ? TERMINAL_MS : PLAIN_MS))
        return;
    p->printed_ms = now;
    struct winsize w = { 0 };
    char text[256];
    int width =
        p->terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 100;
    progress_text(p, page, width, text, sizeof text);
    if (!p->terminal)
        fprintf(stderr, "%s\n", text);
    else
        fprintf(stderr, "\r%.*s\033[K", width - 1, text);
}

void progress_end(struct progress *p, const struct shared *page) {
    double seconds = (double)(clock_steady_ms() - p->started_ms) / 1000;
    fprintf(stderr,
            "%s%llu records read (%llu as before, %llu held), %llu resources queued, %llu "
            "delivered, %llu put on hold, in %.1f s\n",
            p->terminal ? "\r\033[K" : "", (unsigned long long)page->records,
            (unsigned long long)page->unchanged, (unsigned long long)page->refused,
            (unsigned long long)page->accepted, (unsigned long long)page->delivered,
            (unsigned long long)page->held, seconds);
    if (page->alerts)
        fprintf(stderr,
                "%llu safety alerts: a self-harm item was answered above its threshold; see the "
                "log lines `safety:` and act in the clinic's own system\n",
                (unsigned long long)page->alerts);
}
