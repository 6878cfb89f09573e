/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for a resource by its business identifier, before a create and after a lost answer; the
 * reading of searchsets. */
#include "fhir.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { TRIES = 2 };

bool search_possible(const struct item *it) {
    return it->change->identifier_value != NULL && (it->flags & CAN_SEARCH) != 0 &&
           (it->flags & (BY_IDENTIFIER | BY_PATIENT | BY_SUBJECT)) != 0;
}

/* Tells whether a resource carries an identifier. */
static bool has_identifier(const json_t *resource, const char *system, const char *value) {
    const json_t *it;
    size_t i;
    json_array_foreach(json_object_get(resource, "identifier"), i, it) {
        const char *s = json_string_value(json_object_get(it, "system")),
                   *v = json_string_value(json_object_get(it, "value"));
        if (v != NULL && strcmp(v, value) == 0 &&
            strcmp(s != NULL ? s : "", system != NULL ? system : "") == 0)
            return true;
    }
    /* some elements have one identifier, not a list (QuestionnaireResponse, Composition, Bundle) */
    const json_t *one = json_object_get(resource, "identifier");
    const char *s = json_string_value(json_object_get(one, "system")),
               *v = json_string_value(json_object_get(one, "value"));
    return v != NULL && strcmp(v, value) == 0 &&
           strcmp(s != NULL ? s : "", system != NULL ? system : "") == 0;
}

/* Tells whether a searchset has another page. */
static bool has_next(const json_t *bundle) {
    const json_t *link;
    size_t i;
    json_array_foreach(json_object_get(bundle, "link"), i, link) {
        const char *relation = json_string_value(json_object_get(link, "relation"));
        if (relation != NULL && strcmp(relation, "next") == 0)
            return true;
    }
    return false;
}

int search_matches(const struct answer *a, const char *type, const char *system, const char *value,
                   json_t **root, const json_t **first, bool *more) {
    const json_t *entry;
    const char *id = NULL;
    size_t i;
    int count = 0;
    *first = NULL;
    *root = a->truncated ? NULL : json_loadb(a->body, a->body_length, 0, NULL);
    const char *kind = json_string_value(json_object_get(*root, "resourceType"));
    if (kind == NULL || strcmp(kind, "Bundle") != 0)
        return -1;
    *more = has_next(*root);
    json_array_foreach(json_object_get(*root, "entry"), i, entry) {
        const json_t *resource = json_object_get(entry, "resource");
        const char *its_type = json_string_value(json_object_get(resource, "resourceType"));
        const char *its_id = json_string_value(json_object_get(resource, "id"));
        const char *mode =
            json_string_value(json_object_get(json_object_get(entry, "search"), "mode"));
        if (its_type == NULL || its_id == NULL || strcmp(its_type, type) != 0 ||
            !valid_id(its_id, strlen(its_id)) || (mode != NULL && strcmp(mode, "match") != 0) ||
            !has_identifier(resource, system, value))
            continue;
        if (id != NULL && strcmp(id, its_id) == 0)
            continue; /* a page may repeat an id */
        count++;
        if (id == NULL) {
            id = its_id;
            *first = resource;
        }
    }
    return count;
}

/* Adds the code of a body as a search parameter, where there is one. */
static void add_code(struct text *text, const struct item *it) {
    json_t *body = json_loadb(it->change->body, it->change->body_length, 0, NULL);
    const json_t *coding =
        json_array_get(json_object_get(json_object_get(body, "code"), "coding"), 0);
    const char *code = json_string_value(json_object_get(coding, "code"));
    if (code != NULL) {
        text_puts(text, "&code=");
        text_token(text, json_string_value(json_object_get(coding, "system")), code, true);
    }
    json_decref(body);
}

/* Writes what is searched for: the identifier, within the patient; or the patient's resources of
 * that code. */
static void add_query(struct delivery *d, struct text *text, const struct item *it) {
    const char *between = "";
    if (it->flags & BY_IDENTIFIER) {
        text_puts(text, "identifier=");
        text_token(text, it->change->identifier_system, it->change->identifier_value, true);
        between = "&";
    }
    if (it->flags & (BY_PATIENT | BY_SUBJECT)) {
        text_puts(text, between);
        text_puts(text, it->flags & BY_PATIENT ? "patient=Patient%2F" : "subject=Patient%2F");
        text_puts(text, d->patient);
    }
    if (!(it->flags & BY_IDENTIFIER)) {
        if (it->flags & BY_CODE)
            add_code(text, it);
        text_puts(text, "&_count=100");
    }
}

bool search_write(struct delivery *d, struct call *c, const struct item *it) {
    bool post = d->t->post_search != POST_SEARCH_REFUSED;
    if (!call_begin(c, post ? "POST" : "GET"))
        return false;
    text_puts(&c->text, "/");
    text_puts(&c->text, it->change->type);
    text_puts(&c->text, post ? "/_search" : "?");
    if (!post)
        add_query(d, &c->text, it);
    call_header(c);
    text_puts(&c->text, "Accept: application/fhir+json");
    if (post) {
        call_header(c);
        text_puts(&c->text, "Content-Type: application/x-www-form-urlencoded");
        call_body(c);
        add_query(d, &c->text, it);
    }
    call_finish(c);
    return !c->text.failed;
}

int search_read(struct delivery *d, const struct answer *a, struct item *it, struct verdict *v) {
    const json_t *first = NULL;
    json_t *root = NULL;
    bool more = false;
    (void)d;
    outcome_judge(a, OP_SEARCH, v);
    if (v->action != ACT_DONE)
        return -1;
    int count = search_matches(a, it->change->type, it->change->identifier_system,
                               it->change->identifier_value, &root, &first, &more);
    if (count < 0) {
        v->action = ACT_TARGET;
        v->code = "target-answer";
        (void)snprintf(v->detail, sizeof v->detail,
                       "a search was answered with HTTP %d, but with no searchset", a->status);
    } else if (count == 0 && more) {
        v->action = ACT_HOLD;
        v->code = "conflict";
        (void)snprintf(
            v->detail, sizeof v->detail,
            "the search has more pages than are looked through: look for this resource by hand");
        count = -1;
    } else if (count == 1) {
        const char *version =
            json_string_value(json_object_get(json_object_get(first, "meta"), "versionId"));
        (void)snprintf(it->id, sizeof it->id, "%s",
                       json_string_value(json_object_get(first, "id")));
        (void)snprintf(it->version, sizeof it->version, "%s", version != NULL ? version : "");
    }
    json_decref(root);
    return count;
}

/* Moves an item on by what its search found; true when it needs no further try. */
static bool take_result(struct delivery *d, struct item *it, int found, const struct verdict *v,
                        bool lost) {
    bool nameless = it->change->identifier_value == NULL || it->change->identifier_value[0] == '\0';
    if (nameless && (lost || it->change->unknown)) {
        settle_held(d, it, "conflict",
                    "its answer was lost and it has no identifier to search by: look at the "
                    "target, then retry or discard");
        return true;
    }
    if (found > 1) {
        settle_held(d, it, "conflict",
                    "the target holds more than one resource with this identifier: merge or delete "
                    "there, then retry");
        return true;
    }
    if (found == 1) {
        it->adopted = true;
        it->state = ITEM_CONFLICT;
        return true;
    }
    if (found == 0 && it->duplicate) {
        settle_held(
            d, it, "conflict",
            "the target says that it has this resource already, but a search does not find it");
        return true;
    }
    if (found == 0) {
        it->searched = true;
        if (lost)
            settle_unknown(d, it);
        else
            it->state = ITEM_NEW;
        return true;
    }
    if (v->action == ACT_HOLD) {
        bool strict = lost || it->change->unknown || (it->flags & BY_IDENTIFIER) != 0;
        if (strict)
            settle_held(d, it, v->code, v->detail);
        else
            it->searched = true; /* never sent from here, and not to be found: a create is right */
        return true;
    }
    return false;
}

/* Tells whether an answer says that searches by POST are not taken here. */
static bool refuses_post(const struct delivery *d, const struct answer *a) {
    return d->t->post_search == POST_SEARCH_UNTRIED && a->outcome == IPTFHIR_HTTP_ANSWERED &&
           a->status >= 400 && a->status != 401 && a->status != 403 && a->status != 429 &&
           (a->status < 500 || a->status == 501);
}

/* Searches once for all that is left; the list keeps what needs another try. */
static size_t search_round(struct delivery *d, struct item **items, size_t count, bool lost,
                           bool last) {
    struct call *c = &d->t->call;
    size_t left = 0;
    bool refused = false;
    call_clear(c);
    for (size_t i = 0; i < count; i++)
        (void)search_write(d, c, items[i]);
    if (!call_perform(d, c))
        return count;
    for (size_t i = 0; i < count; i++) {
        struct answer a = call_answer(c, i);
        struct verdict v;
        if (refuses_post(d, &a)) {
            refused = true;
            items[left++] = items[i];
            continue;
        }
        int found = search_read(d, &a, items[i], &v);
        if (take_result(d, items[i], found, &v, lost))
            continue;
        items[left++] = items[i];
        if (last && v.action == ACT_LATER)
            stop_later(d, v.retry_after_ms);
        else if (last)
            stop_target(d, v.code != NULL ? v.code : "target-answer", v.detail);
    }
    d->t->post_search = refused ? POST_SEARCH_REFUSED : d->t->post_search;
    return left;
}

void search_items(struct delivery *d, struct item **items, size_t count, bool lost) {
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        struct item *it = items[i];
        if (search_possible(it))
            items[left++] = it;
        else if (lost || it->change->unknown)
            settle_held(d, it, "conflict",
                        "an answer was lost, and this target cannot search for the resource: look "
                        "for it by hand, then "
                        "retry or discard");
    }
    for (int i = 0; i < TRIES && left > 0 && !d->stopped; i++)
        left = search_round(d, items, left, lost, i + 1 == TRIES);
    for (size_t i = 0; i < left; i++)
        if (lost || items[i]->change->unknown)
            settle_unknown(d, items[i]);
}
