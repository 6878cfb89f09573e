/* SPDX-License-Identifier: Apache-2.0 */
/* R4's invariants, as far as our resources and their neighbours meet them: most as rows of a table,
 * the others by hand.
 */
#include "core/fhir/r4_tables.h"
#include "core/fhir/validate.h"

#include <string.h>

enum rule_kind {
    NEEDS,    /* with `a` comes one of `b` */
    NOT_BOTH, /* `a` and `b` exclude each other */
    ONE_OF,   /* at least one of `a` */
    EXACTLY   /* either `a` or `b` */
};
struct rule {
    const char *type, *key;
    enum rule_kind kind;
    const char *a, *b; /* element names, separated by spaces */
};

/* By type; the rules of one type stand together. */
static const struct rule rules[] = {
    { "Attachment", "att-1", NEEDS, "data", "contentType" },
    { "Bundle.entry", "bdl-5", ONE_OF, "resource request response", "" },
    { "CarePlan.activity", "cpl-3", NOT_BOTH, "detail", "reference" },
    { "Condition.evidence", "con-2", ONE_OF, "code detail", "" },
    { "Condition.stage", "con-1", ONE_OF, "summary assessment", "" },
    { "Consent", "ppc-1", ONE_OF, "policy policyRule", "" },
    { "ContactPoint", "cpt-2", NEEDS, "value", "system" },
    { "Extension", "ext-1", EXACTLY, "extension", "value" },
    { "Goal.target", "gol-1", NEEDS, "detail", "measure" },
    { "Observation", "obs-6", NOT_BOTH, "dataAbsentReason", "value" },
    { "Observation.referenceRange", "obs-3", ONE_OF, "low high text", "" },
    { "Organization", "org-1", ONE_OF, "identifier name", "" },
    { "Patient.contact", "pat-1", ONE_OF, "name telecom address organization", "" },
    { "Quantity", "qty-3", NEEDS, "code", "system" },
    { "QuestionnaireResponse.item", "qrs-1", NOT_BOTH, "answer", "item" },
    { "ServiceRequest", "prr-1", NEEDS, "orderDetail", "code" },
    { "Timing.repeat", "tim-1", NEEDS, "duration", "durationUnit" },
    { "Timing.repeat", "tim-2", NEEDS, "period", "periodUnit" },
    { "Timing.repeat", "tim-6", NEEDS, "periodMax", "period" },
    { "Timing.repeat", "tim-7", NEEDS, "durationMax", "duration" },
    { "Timing.repeat", "tim-8", NEEDS, "countMax", "count" },
    { "Timing.repeat", "tim-9", NEEDS, "offset", "when" },
    { "Timing.repeat", "tim-10", NOT_BOTH, "timeOfDay", "when" },
};
#define RULES (sizeof rules / sizeof rules[0])

typedef void rule_function(struct check *, const struct place *, const struct tree *);
static rule_function check_condition, check_consent, check_period, check_observation,
    check_reference;

static const struct {
    const char *type;
    rule_function *function;
} functions[] = {
    { "Condition", check_condition },     { "Consent", check_consent },
    { "Observation", check_observation }, { "Period", check_period },
    { "Reference", check_reference },
};
#define FUNCTIONS (sizeof functions / sizeof functions[0])

static struct { uint64_t a, b; } masks[RULES];
static uint8_t first_rule[R4_TYPE_COUNT], rule_count[R4_TYPE_COUNT];
static uint8_t function_of[R4_TYPE_COUNT]; /* index + 1 */
static bool domain[R4_TYPE_COUNT];
static uint32_t reference, start, end, code, component, coding, system_symbol, contained, id, meta;
static const struct {
    uint32_t *symbol;
    const char *name;
} symbols[] = {
    { &reference, "reference" },
    { &start, "start" },
    { &end, "end" },
    { &code, "code" },
    { &component, "component" },
    { &coding, "coding" },
    { &system_symbol, "system" },
    { &contained, "contained" },
    { &id, "id" },
    { &meta, "meta" },
};

/* Tells whether a word is one of those in a list, which are separated by spaces. */
static bool is_word_of(const char *list, const char *word) {
    size_t length = strlen(word);
    while (*list != '\0') {
        size_t n = strcspn(list, " ");
        if (n == length && memcmp(list, word, n) == 0)
            return true;
        list += n;
        list += strspn(list, " ");
    }
    return false;
}

/* The bits of the elements that a rule names. */
static uint64_t mask_of(const struct r4_type *type, const char *names) {
    uint64_t mask = 0;
    for (uint16_t i = 0; i < type->element_count; i++)
        if (is_word_of(names, type->elements[i].name))
            mask |= UINT64_C(1) << i;
    return mask;
}

/* Gives a type and those derived from it a rule or function. */
static void inherit(const char *name, void (*set)(uint16_t type, size_t index), size_t index) {
    const struct r4_type *type = r4_type(name);
    for (uint16_t t = 0; type != NULL && t < R4_TYPE_COUNT; t++)
        if (r4_is(&r4_types[t], type))
            set(t, index);
}

/* Counts a rule of a type. */
static void set_rule(uint16_t type, size_t index) {
    if (rule_count[type]++ == 0)
        first_rule[type] = (uint8_t)index;
}

/* Notes the function of a type. */
static void set_function(uint16_t type, size_t index) {
    function_of[type] = (uint8_t)(index + 1);
}

void invariants_setup(void) {
    for (size_t i = 0; i < RULES; i++) {
        const struct r4_type *type = r4_type(rules[i].type);
        masks[i].a = mask_of(type, rules[i].a);
        masks[i].b = mask_of(type, rules[i].b);
        inherit(rules[i].type, set_rule, i);
    }
    for (size_t i = 0; i < FUNCTIONS; i++)
        inherit(functions[i].type, set_function, i);
    for (uint16_t t = 0; t < R4_TYPE_COUNT; t++)
        domain[t] = r4_is(&r4_types[t], r4_type("DomainResource"));
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++)
        *symbols[i].symbol = symbol_intern(symbols[i].name, strlen(symbols[i].name));
}

/* The text of a string member, NULL when it has none. */
static const char *text_of(const struct tree *object, uint32_t symbol) {
    const struct tree *member = tree_get_symbol(object, symbol);
    return member != NULL && member->kind == TREE_STRING ? member->text : NULL;
}

/* The first child of a list member. */
static const struct tree *items(const struct tree *object, uint32_t symbol) {
    const struct tree *list = tree_get_symbol(object, symbol);
    return list != NULL && list->kind == TREE_ARRAY ? list->first : NULL;
}

/* True when two CodeableConcepts share a coding. */
static bool share_coding(const struct tree *a, const struct tree *b) {
    for (const struct tree *x = items(a, coding); x != NULL; x = x->next)
        for (const struct tree *y = items(b, coding); y != NULL; y = y->next)
            if (tree_equal(x, y))
                return true;
    return false;
}

/* Codes of one system, NULL-terminated. */
struct codes {
    const char *system;
    const char *const *codes;
};

/* True when a Coding has one of the codes. */
static bool is_one_of(const struct tree *c, const struct codes *wanted) {
    const char *system = text_of(c, system_symbol);
    const char *value = text_of(c, code);
    if (system == NULL || value == NULL || strcmp(system, wanted->system) != 0)
        return false;
    const char *const *known = wanted->codes;
    while (*known != NULL && strcmp(*known, value) != 0)
        known++;
    return *known != NULL;
}

/* True when a CodeableConcept member has one of the codes. */
static bool concept_has(const struct tree *object, const char *name, const struct codes *wanted) {
    const struct tree *c = items(tree_get(object, name), coding);
    while (c != NULL && !is_one_of(c, wanted))
        c = c->next;
    return c != NULL;
}

/* True when a member's name begins with an element's, such as value: then it is one of its types.
 */
static bool has_choice(const struct tree *object, const char *element) {
    size_t length = strlen(element);
    const struct tree *m = object->first;
    while (m != NULL && (m->name_length <= length || memcmp(m->name, element, length) != 0))
        m = m->next;
    return m != NULL;
}

/* con-4: abated, so not active; con-5: no clinical status when entered in error. */
static void check_condition(struct check *c, const struct place *place, const struct tree *object) {
    static const char *const over[] = { "resolved", "remission", "inactive", NULL };
    static const char *const mistaken[] = { "entered-in-error", NULL };
    static const struct codes ended = { "http://terminology.hl7.org/CodeSystem/condition-clinical",
                                        over };
    static const struct codes in_error = {
        "http://terminology.hl7.org/CodeSystem/condition-ver-status", mistaken
    };
    bool has_status = tree_get(object, "clinicalStatus") != NULL;
    if (has_choice(object, "abatement") && !concept_has(object, "clinicalStatus", &ended))
        check_fault(c, place, "clinicalStatus",
                    "con-4: with abatement, expected inactive, resolved or remission");
    if (has_status && concept_has(object, "verificationStatus", &in_error))
        check_fault(c, place, "clinicalStatus",
                    "con-5: a condition entered in error has no clinicalStatus");
}

/* ppc-2: a privacy consent names its patient. */
static void check_consent(struct check *c, const struct place *place, const struct tree *object) {
    static const char *const privacy[] = { "patient-privacy", NULL };
    static const struct codes of_privacy = { "http://terminology.hl7.org/CodeSystem/consentscope",
                                             privacy };
    bool has_patient = tree_get(object, "patient") != NULL;
    if (!has_patient && concept_has(object, "scope", &of_privacy))
        check_fault(c, place, "patient",
                    "ppc-2: a consent of scope patient-privacy names its patient");
}

/* obs-7: no value when a component has the code of the observation. */
static void check_observation(struct check *c, const struct place *place,
                              const struct tree *object) {
    const struct tree *part = items(object, component);
    if (part == NULL || !has_choice(object, "value"))
        return;
    const struct tree *own = tree_get_symbol(object, code);
    struct place here = { place, "component", 0 };
    for (; part != NULL; part = part->next, here.index++)
        if (share_coding(own, tree_get_symbol(part, code)))
            check_fault(
                c, &here, "code",
                "obs-7: a component has the observation's own code, so its value goes there only");
}

/* Tells whether a dateTime is before another: as instants, else by the parts of the date that both
 * have. */
static bool is_before(const char *a, const char *b) {
    int64_t x = 0;
    int64_t y = 0;
    size_t shared = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    if (instant_seconds(a, &x) && instant_seconds(b, &y))
        return x < y;
    return memcmp(a, b, shared > 10 ? 10 : shared) < 0;
}

static bool is_datetime(const char *text) {
    return text != NULL && format_check(FORMAT_DATETIME, text, strlen(text)) == NULL;
}

/* per-1: the end isn't before the start, as far as both are precise. */
static void check_period(struct check *c, const struct place *place, const struct tree *object) {
    const char *from = text_of(object, start);
    const char *to = text_of(object, end);
    if (is_datetime(from) && is_datetime(to) && is_before(to, from))
        check_fault(c, place, "end", "per-1: the end is before the start");
}

/* True when the outermost resource contains a resource with this id. */
static bool is_contained(const struct tree *container, const char *wanted) {
    for (const struct tree *r = items(container, contained); r != NULL; r = r->next) {
        const char *own = text_of(r, id);
        if (own != NULL && strcmp(own, wanted) == 0)
            return true;
    }
    return false;
}

/* True when so many bytes are the name of a resource type. */
static bool is_resource_type(const char *text, size_t length) {
    char name[64];
    if (length >= sizeof name)
        return false;
    memcpy(name, text, length);
    name[length] = '\0';
    const struct r4_type *type = r4_type(name);
    return type != NULL && type->kind == R4_RESOURCE && !type->abstract_;
}

static bool is_id(const char *text, size_t length) {
    return format_check(FORMAT_ID, text, length) == NULL;
}

/* True for id[/_history/version]. */
static bool is_id_or_version(const char *text) {
    static const char history[] = "/_history/";
    const size_t n = sizeof history - 1;
    size_t length = strcspn(text, "/");
    if (!is_id(text, length))
        return false;
    const char *rest = text + length;
    if (*rest == '\0')
        return true;
    return strncmp(rest, history, n) == 0 && is_id(rest + n, strlen(rest + n));
}

/* True for Type/id[/_history/version] and Type?query, with a type of R4. */
static bool is_relative(const char *text) {
    size_t length = strcspn(text, "/?");
    const char *rest = text + length + 1;
    if (text[length] == '\0' || !is_resource_type(text, length))
        return false;
    return text[length] == '?' ? *rest != '\0' : is_id_or_version(rest);
}

/* True for a text with a scheme: a URL or a URN. */
static bool is_absolute(const char *text) {
    size_t scheme = strcspn(text, ":/?");
    return scheme > 0 && text[scheme] == ':' && text[scheme + 1] != '\0';
}

/* ref-1: a reference inside the resource names what is contained; '#' alone is the resource. */
static void check_local(struct check *c, const struct place *place, const char *wanted) {
    if (*wanted != '\0' && !is_contained(c->container, wanted))
        check_fault(c, place, "reference",
                    "ref-1: no contained resource has the id that '#...' names");
}

/* ref-1, and that a literal reference is one of the forms that R4 knows. */
static void check_reference(struct check *c, const struct place *place, const struct tree *object) {
    const char *text = text_of(object, reference);
    if (text == NULL)
        return;
    if (text[0] == '#')
        check_local(c, place, text + 1);
    else if (!is_absolute(text) && !is_relative(text))
        check_fault(
            c, place, "reference",
            "expected Type/id, an absolute URL, urn:uuid:..., #id, or Type?query in a transaction");
}

/* dom-2, dom-4, dom-5: what contained resources may not have. */
static void check_contained(struct check *c, const struct place *place, const struct tree *object) {
    struct place here = { place, "contained", 0 };
    for (const struct tree *r = items(object, contained); r != NULL; r = r->next, here.index++) {
        const struct tree *m = tree_get_symbol(r, meta);
        if (tree_get_symbol(r, contained) != NULL)
            check_fault(c, &here, "contained", "dom-2: a contained resource contains no others");
        if (tree_get(m, "versionId") != NULL || tree_get(m, "lastUpdated") != NULL)
            check_fault(c, &here, "meta",
                        "dom-4: a contained resource has no versionId and no lastUpdated");
        if (tree_get(m, "security") != NULL)
            check_fault(c, &here, "meta.security",
                        "dom-5: a contained resource has no security label");
    }
}

/* Whether a row of the table holds, by what there is of its `a` and its `b`. */
static const bool holds[][2][2] = {
    [NEEDS] = { { true, true }, { false, true } },
    [NOT_BOTH] = { { true, true }, { true, false } },
    [ONE_OF] = { { false, false }, { true, true } },
    [EXACTLY] = { { false, true }, { true, false } },
};

/* Reports a row of the table that doesn't hold. */
static void report_rule(struct check *c, const struct place *place, const struct rule *r) {
    switch (r->kind) {
    case NEEDS: check_fault(c, place, r->b, "%s: required together with %s", r->key, r->a); break;
    case NOT_BOTH: check_fault(c, place, r->a, "%s: not together with %s", r->key, r->b); break;
    case ONE_OF:
        check_fault(c, place, NULL, "%s: expected at least one of: %s", r->key, r->a);
        break;
    case EXACTLY:
        check_fault(c, place, NULL, "%s: expected either %s or %s", r->key, r->a, r->b);
        break;
    }
}

/* Checks one row of the table. */
static void check_rule(struct check *c, const struct place *place, size_t i, uint64_t present) {
    bool a = (present & masks[i].a) != 0;
    bool b = (present & masks[i].b) != 0;
    if (!holds[rules[i].kind][a][b])
        report_rule(c, place, &rules[i]);
}

void invariants_check(struct check *c, const struct place *place, const struct r4_type *type,
                      const struct tree *object, uint64_t present) {
    size_t t = (size_t)(type - r4_types);
    for (size_t i = first_rule[t], last = i + rule_count[t]; i < last; i++)
        check_rule(c, place, i, present);
    if (function_of[t] != 0)
        functions[function_of[t] - 1].function(c, place, object);
    if (domain[t])
        check_contained(c, place, object);
}
