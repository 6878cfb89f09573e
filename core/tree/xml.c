/* SPDX-License-Identifier: Apache-2.0 */
/* FHIR XML to the tree, in the shape of R4's JSON format. */
#include "core/tree/xml.h"

#include "core/tree/number.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define FHIR_NAMESPACE "http://hl7.org/fhir"
#define XHTML_NAMESPACE "http://www.w3.org/1999/xhtml"
#define XSI_NAMESPACE "http://www.w3.org/2001/XMLSchema-instance"

struct xml {
    struct arena *arena;
    const struct xml_shape *shape;
    const char *source;
    struct iptfhir_error *error;
};

static struct tree *read_resource(struct xml *x, xmlNode *element, unsigned depth);

/* ---- faults: the first wins ---- */

/* Reports a fault at a line; false always. */
static bool refuse_line(struct xml *x, long line, const char *code, const char *text) {
    char where[256];
    if (x->source != NULL)
        snprintf(where, sizeof where, "%.200s:%ld", x->source, line);
    else
        snprintf(where, sizeof where, "%ld", line);
    return error_set(x->error, code, where, "%s", text);
}

/* Reports a fault at an element; false always. */
static bool refuse(struct xml *x, const xmlNode *at, const char *text) {
    return refuse_line(x, xmlGetLineNo(at), "xml-invalid", text);
}

/* Reports that memory is out; false always. */
static bool refuse_memory(struct xml *x, const xmlNode *at) {
    return refuse_line(x, xmlGetLineNo(at), "memory", "there is no memory for the resource");
}

/* ---- nodes ---- */

/* Gives a node its line; NULL, with a fault, when memory was out for it. */
static struct tree *placed(struct xml *x, struct tree *node, const xmlNode *at) {
    if (node == NULL) {
        refuse_memory(x, at);
        return NULL;
    }
    long line = xmlGetLineNo(at);
    bool known = line > 0 && line < UINT32_MAX;
    node->line = known ? (uint32_t)line : 0;
    node->column = 1;
    return node;
}

/* A node of a text. */
static struct tree *string(struct xml *x, const char *text, const xmlNode *at) {
    return placed(x, tree_string(x->arena, text, strlen(text)), at);
}

/* Adds a member; false, with a fault, when memory is out for it or was for its value. */
static bool add(struct xml *x, struct tree *object, const char *name, struct tree *value,
                const xmlNode *at) {
    return tree_add(x->arena, object, name, value) || refuse_memory(x, at);
}

/* Finds or makes the array of a repeating element. */
static struct tree *array_of(struct xml *x, struct tree *object, const char *name,
                             const xmlNode *at) {
    struct tree *array = tree_get(object, name);
    if (array != NULL)
        return array;
    array = placed(x, tree_new(x->arena, TREE_ARRAY), at);
    return add(x, object, name, array, at) ? array : NULL;
}

/* ---- what libxml2 read ---- */

static const char *text_of(const xmlChar *text) {
    return (const char *)text;
}

static bool in_namespace(const xmlNs *ns, const char *uri) {
    return ns != NULL && ns->href != NULL && strcmp(text_of(ns->href), uri) == 0;
}

/* The text of an attribute; NULL for an empty one and for one with entities. */
static const char *attribute_text(const xmlAttr *a) {
    const xmlNode *t = a->children;
    bool one_text = t != NULL && t->next == NULL && t->type == XML_TEXT_NODE;
    if (!one_text || t->content == NULL || t->content[0] == '\0')
        return NULL;
    return text_of(t->content);
}

/* Finds an attribute without namespace; false when it is there but empty. */
static bool attribute(const xmlNode *element, const char *name, const char **text) {
    const xmlAttr *a = element->properties;
    while (a != NULL && (a->ns != NULL || strcmp(text_of(a->name), name) != 0))
        a = a->next;
    *text = a != NULL ? attribute_text(a) : NULL;
    return a == NULL || *text != NULL;
}

/* The attributes that an element may have beside those of xsi:. */
static const char *const of_resource[] = { NULL };
static const char *const of_element[] = { "id", NULL };
static const char *const of_extension[] = { "id", "url", NULL };
static const char *const of_primitive[] = { "value", "id", NULL };

/* Tells whether FHIR knows an attribute there. */
static bool is_known(const xmlAttr *a, const char *const *names) {
    if (in_namespace(a->ns, XSI_NAMESPACE))
        return true;
    if (a->ns != NULL)
        return false;
    while (*names != NULL && strcmp(*names, text_of(a->name)) != 0)
        names++;
    return *names != NULL;
}

/* Checks that an element has only attributes that FHIR knows. */
static bool attributes_known(struct xml *x, const xmlNode *element, const char *const *names) {
    for (const xmlAttr *a = element->properties; a != NULL; a = a->next)
        if (!is_known(a, names))
            return refuse(x, element, "the element has an attribute that FHIR does not know there");
    return true;
}

/* Checks one child node: true for an element to read; text that is not white space is a fault. */
static bool is_element(struct xml *x, const xmlNode *node, bool *fault) {
    switch (node->type) {
    case XML_ELEMENT_NODE: return true;
    case XML_TEXT_NODE: *fault = xmlIsBlankNode(node) == 0; break;
    case XML_CDATA_SECTION_NODE:
    case XML_ENTITY_REF_NODE: *fault = true; break;
    default: break;
    }
    if (*fault)
        refuse(x, node->parent,
               "text stands where FHIR has elements: put it into a value attribute");
    return false;
}

/* ---- primitives ---- */

static struct tree *number(struct xml *x, const xmlNode *at, const char *text) {
    if (*text == '+')
        text++;
    if (!number_is(text)) {
        refuse(x, at, "the value is no number");
        return NULL;
    }
    return placed(x, tree_number(x->arena, text, strlen(text)), at);
}

static struct tree *boolean(struct xml *x, const xmlNode *at, const char *text) {
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0) {
        refuse(x, at, "the value is neither true nor false");
        return NULL;
    }
    return placed(x, tree_boolean(x->arena, yes), at);
}

/* Makes the node of a primitive's value. */
static struct tree *primitive(struct xml *x, const xmlNode *at, const char *text,
                              enum tree_kind kind) {
    switch (kind) {
    case TREE_STRING: return string(x, text, at);
    case TREE_NUMBER: return number(x, at, text);
    default: return boolean(x, at, text);
    }
}

/* Appends nulls until an array has `length` elements. */
static bool pad(struct xml *x, struct tree *array, uint32_t length) {
    while (array->length < length)
        if (!tree_append(array, tree_new(x->arena, TREE_NULL)))
            return false;
    return true;
}

/* A primitive in JSON: its value and its companion under "_name" (either may be NULL). */
struct pair {
    const char *name;
    char companion_name[128];
    struct tree *value, *companion;
};

/* Puts a primitive that stands once into the object. */
static bool put_single(struct xml *x, struct tree *object, const struct pair *p,
                       const xmlNode *at) {
    if (tree_get(object, p->name) != NULL || tree_get(object, p->companion_name) != NULL)
        return refuse(x, at, "the element stands twice but may stand once only");
    if (p->value != NULL && !add(x, object, p->name, p->value, at))
        return false;
    return p->companion == NULL || add(x, object, p->companion_name, p->companion, at);
}

/* Puts a primitive that repeats into the object: both arrays have a place for each (R4 JSON). */
static bool put_repeated(struct xml *x, struct tree *object, const struct pair *p,
                         const xmlNode *at) {
    struct tree *values = array_of(x, object, p->name, at);
    struct tree *companions = tree_get(object, p->companion_name);
    if (values == NULL)
        return false;
    uint32_t index = values->length;
    if (!pad(x, values, p->value == NULL ? index + 1 : index))
        return false;
    if (p->value != NULL)
        tree_append(values, p->value);
    if (p->companion == NULL)
        return companions == NULL || pad(x, companions, index + 1);
    companions = array_of(x, object, p->companion_name, at);
    if (companions == NULL || !pad(x, companions, index))
        return false;
    return tree_append(companions, p->companion);
}

static bool read_children(struct xml *x, xmlNode *element, const char *type, struct tree *object,
                          unsigned depth);

/* What R4 says of an element. */
struct element_shape {
    const char *type;
    bool repeats;
    enum tree_kind kind;
};

/* Reads the id and the extensions of a primitive; *companion is NULL when it has none. */
static bool read_companion(struct xml *x, xmlNode *child, const char *type, const char *id,
                           unsigned depth, struct tree **companion) {
    struct tree *object = placed(x, tree_new(x->arena, TREE_OBJECT), child);
    if (object == NULL)
        return false;
    if (id != NULL && !add(x, object, "id", string(x, id, child), child))
        return false;
    if (!read_children(x, child, type, object, depth + 1))
        return false;
    *companion = object->first != NULL ? object : NULL;
    return true;
}

/* Reads a primitive with its id and extensions. */
static bool read_primitive(struct xml *x, xmlNode *child, const struct element_shape *shape,
                           struct tree *object, unsigned depth) {
    const char *text;
    const char *id;
    struct pair p = { .name = text_of(child->name) };
    if (!attributes_known(x, child, of_primitive))
        return false;
    if (!attribute(child, "value", &text) || !attribute(child, "id", &id))
        return refuse(x, child, "an attribute is empty: leave the element out instead");
    if (text != NULL)
        p.value = primitive(x, child, text, shape->kind);
    if (text != NULL && p.value == NULL)
        return false;
    if (!read_companion(x, child, shape->type, id, depth, &p.companion))
        return false;
    if (p.value == NULL && p.companion == NULL)
        return refuse(x, child, "the element has neither a value nor an extension");
    int length = snprintf(p.companion_name, sizeof p.companion_name, "_%s", p.name);
    if ((size_t)length >= sizeof p.companion_name)
        return refuse(x, child, "unknown element");
    bool put =
        shape->repeats ? put_repeated(x, object, &p, child) : put_single(x, object, &p, child);
    return put || refuse_memory(x, child);
}

/* ---- elements with children ---- */

/* Keeps narrative as text. */
static struct tree *read_xhtml(struct xml *x, xmlNode *element) {
    xmlBuffer *buffer = xmlBufferCreate();
    xmlNode *copy = xmlDocCopyNode(element, element->doc, 1);
    struct tree *node = NULL;
    bool both = buffer != NULL && copy != NULL;
    if (both && xmlNodeDump(buffer, element->doc, copy, 0, 0) >= 0)
        node = tree_string(x->arena, text_of(xmlBufferContent(buffer)),
                           (size_t)xmlBufferLength(buffer));
    if (copy != NULL)
        xmlFreeNode(copy);
    if (buffer != NULL)
        xmlBufferFree(buffer);
    return placed(x, node, element);
}

/* The first element at or behind a node; NULL, perhaps with a fault, when there is none. */
static xmlNode *next_element(struct xml *x, xmlNode *n, bool *fault) {
    while (n != NULL && !*fault && !is_element(x, n, fault))
        n = n->next;
    return *fault ? NULL : n;
}

/* Reads the one resource inside an element such as contained. */
static struct tree *read_inner_resource(struct xml *x, xmlNode *element, unsigned depth) {
    bool fault = false;
    xmlNode *first = next_element(x, element->children, &fault);
    if (first == NULL) {
        refuse(x, element, "expected a resource in the element");
        return NULL;
    }
    struct tree *resource = read_resource(x, first, depth + 1);
    xmlNode *second = next_element(x, first->next, &fault);
    if (second != NULL)
        refuse(x, second, "one element holds one resource only");
    return second == NULL && !fault ? resource : NULL;
}

/* Reads an element with children: its id and, for an extension, its url are attributes. */
static struct tree *read_complex(struct xml *x, xmlNode *element, const char *type,
                                 unsigned depth) {
    struct tree *object = placed(x, tree_new(x->arena, TREE_OBJECT), element);
    bool extension = strcmp(type, "Extension") == 0;
    const char *id;
    const char *url = NULL;
    if (object == NULL || !attributes_known(x, element, extension ? of_extension : of_element))
        return NULL;
    bool full = attribute(element, "id", &id);
    if (extension)
        full = attribute(element, "url", &url) && full;
    if (!full) {
        refuse(x, element, "an attribute is empty: leave it out instead");
        return NULL;
    }
    if (id != NULL && !add(x, object, "id", string(x, id, element), element))
        return NULL;
    if (url != NULL && !add(x, object, "url", string(x, url, element), element))
        return NULL;
    return read_children(x, element, type, object, depth) ? object : NULL;
}

/* Finds what R4 says of an element; its namespace must be the one that goes with it. */
static bool shape_of(struct xml *x, const xmlNode *child, const char *type,
                     struct element_shape *shape) {
    const char *name = text_of(child->name);
    bool xhtml = in_namespace(child->ns, XHTML_NAMESPACE) && strcmp(name, "div") == 0;
    *shape = (struct element_shape) { .kind = TREE_OBJECT };
    if (!xhtml && !in_namespace(child->ns, FHIR_NAMESPACE))
        return refuse(x, child, "expected an element of the namespace " FHIR_NAMESPACE);
    if (!x->shape->child(type, name, &shape->type, &shape->repeats, &shape->kind))
        return refuse(x, child, "R4 has no such element there");
    if (xhtml != (strcmp(shape->type, "xhtml") == 0))
        return refuse(x, child, "expected a div of the namespace " XHTML_NAMESPACE);
    return true;
}

/* Reads the value of an element that is no primitive. */
static struct tree *read_value(struct xml *x, xmlNode *child, const char *type, unsigned depth) {
    if (strcmp(type, "xhtml") == 0)
        return read_xhtml(x, child);
    if (strcmp(type, "Resource") == 0)
        return read_inner_resource(x, child, depth);
    return read_complex(x, child, type, depth + 1);
}

/* Reads one child element into the object. */
static bool read_child(struct xml *x, xmlNode *child, const char *type, struct tree *object,
                       unsigned depth) {
    const char *name = text_of(child->name);
    struct element_shape shape;
    if (!shape_of(x, child, type, &shape))
        return false;
    if (shape.kind != TREE_OBJECT && strcmp(shape.type, "xhtml") != 0)
        return read_primitive(x, child, &shape, object, depth);
    struct tree *value = read_value(x, child, shape.type, depth);
    if (value == NULL)
        return false;
    if (shape.repeats)
        return tree_append(array_of(x, object, name, child), value);
    if (tree_get(object, name) != NULL)
        return refuse(x, child, "the element stands twice but may stand once only");
    return add(x, object, name, value, child);
}

/* Tells whether a node is an array of nulls only: all its elements have extensions but no values.
 */
static bool is_empty_array(const struct tree *n) {
    if (n->kind != TREE_ARRAY)
        return false;
    const struct tree *c = n->first;
    while (c != NULL && c->kind == TREE_NULL)
        c = c->next;
    return c == NULL;
}

static void drop_empty_arrays(struct tree *object) {
    struct tree *next;
    for (struct tree *n = object->first; n != NULL; n = next) {
        next = n->next;
        if (is_empty_array(n))
            tree_remove(n);
    }
}

/* Reads all children of an element. */
static bool read_children(struct xml *x, xmlNode *element, const char *type, struct tree *object,
                          unsigned depth) {
    bool fault = false;
    if (depth > TREE_MAX_DEPTH)
        return refuse(x, element, "elements are nested too deep");
    xmlNode *n = next_element(x, element->children, &fault);
    while (n != NULL) {
        if (!read_child(x, n, type, object, depth))
            return false;
        n = next_element(x, n->next, &fault);
    }
    drop_empty_arrays(object);
    return !fault;
}

/* Reads a resource. */
static struct tree *read_resource(struct xml *x, xmlNode *element, unsigned depth) {
    const char *type = text_of(element->name);
    if (!in_namespace(element->ns, FHIR_NAMESPACE)) {
        refuse(x, element, "expected a resource of the namespace " FHIR_NAMESPACE);
        return NULL;
    }
    struct tree *object = placed(x, tree_new(x->arena, TREE_OBJECT), element);
    if (object == NULL || !attributes_known(x, element, of_resource))
        return NULL;
    if (!add(x, object, "resourceType", string(x, type, element), element))
        return NULL;
    return read_children(x, element, type, object, depth) ? object : NULL;
}

/* ---- texts ---- */

/* Stops at a document type declaration. */
static void refuse_dtd(void *context, const xmlChar *name, const xmlChar *external,
                       const xmlChar *system) {
    (void)name, (void)external, (void)system;
    xmlParserCtxt *parser = context;
    *(bool *)parser->_private = true;
    xmlStopParser(parser);
}

/* Parses the text; NULL, with a fault, when it isn't well-formed or has a declaration. */
static xmlDoc *parse(struct xml *x, xmlParserCtxt *parser, const char *text, size_t length) {
    const int options =
        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES;
    bool dtd = false;
    parser->_private = &dtd;
    if (parser->sax != NULL)
        parser->sax->internalSubset = refuse_dtd;
    xmlDoc *doc = xmlCtxtReadMemory(parser, text, (int)length, NULL, NULL, options);
    const xmlError *fault = xmlCtxtGetLastError(parser);
    long line = fault != NULL ? fault->line : 1;
    if (doc != NULL && parser->wellFormed && !dtd)
        return doc;
    if (dtd)
        refuse_line(x, line, "xml-invalid", "a document type declaration is not allowed");
    else
        refuse_line(x, line, "xml-invalid", "the text is not well-formed XML");
    xmlFreeDoc(doc);
    return NULL;
}

struct tree *xml_read_resource(struct arena *a, const char *text, size_t length, const char *source,
                               const struct xml_shape *shape, struct iptfhir_error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct iptfhir_error own = ERROR_INIT;
    struct xml x = {
        .arena = a, .shape = shape, .source = source, .error = error != NULL ? error : &own
    };
    struct tree *resource = NULL;
    pthread_once(&once, xmlInitParser);
    xmlParserCtxt *parser = length <= INT_MAX ? xmlNewParserCtxt() : NULL;
    if (parser == NULL) {
        refuse_line(&x, 1, "memory", "there is no memory for the XML text");
        return NULL;
    }
    xmlDoc *doc = parse(&x, parser, text, length);
    if (doc != NULL) {
        resource = read_resource(&x, xmlDocGetRootElement(doc), 1);
        xmlFreeDoc(doc);
    }
    if (resource == NULL)
        error_set(x.error, "memory", source, "there is no memory for the resource");
    xmlFreeParserCtxt(parser);
    return resource;
}
