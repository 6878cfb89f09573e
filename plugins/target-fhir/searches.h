/* SPDX-License-Identifier: Apache-2.0 */
/* The searches of one order, over as many rounds as they need: by POST so that identifiers stay out
 * of addresses, by GET where that is refused, many in a batch where one is offered, and page after
 * page. */
#ifndef TARGET_FHIR_SEARCHES_H
#define TARGET_FHIR_SEARCHES_H

#include "names.h"
#include "request.h"
#include "verdict.h"

enum { SEARCHES_IN_BATCH = 100 };
enum search_state { SEARCH_OPEN, SEARCH_COMPLETE, SEARCH_FAILED };
struct search {
    char *type, *form; /* form: its parameters, URL-encoded */
    char *page;        /* path of the page to ask for next; NULL: the first */
    enum search_state state;
    bool alone;             /* not in a batch any more */
    size_t seen;            /* matches so far, each once */
    int64_t total;          /* matches that the server counts; -1: it does not say */
    struct verdict verdict; /* of a failed one */
};
/* Called once for each match of a search: a resource of its type with an id. `text` is where it
 * stands in the answer. */
typedef void searches_match(void *user, size_t search, const json_t *resource, struct slice text);
struct searches {
    const char *base_url; /* next pages must be below it; set by the caller, as the next two */
    bool by_get;          /* POST is refused here */
    bool batch;           /* batches are taken here; cleared when they turn out not to be */
    bool post_refused;    /* found out: POST is refused and GET is not */
    struct search *list;
    size_t count, capacity;
    struct names seen;
    bool bundled; /* the round that was asked had batches */
};
/* Adds a search and returns its number, or -1 when memory ran out. */
long searches_add(struct searches *s, const char *type, const char *form);
/* Adds the requests for all that are open. */
void searches_ask(struct searches *s, struct request_writer *w);
/* Reads their answers; `now` in seconds since 1970. AGAIN: some are still open. Afterwards each is
 * complete or failed, and `pause` knows what the target as a whole needs. */
iptfhir_answered searches_answer(struct searches *s, int round,
                                 const struct iptfhir_http_response *answers, size_t count,
                                 int64_t now, searches_match *match, void *user,
                                 struct verdict_pause *pause);
void searches_free(struct searches *s);
#endif
