/* SPDX-License-Identifier: Apache-2.0 */
/* FHIR XML to the tree, in the shape of R4's JSON format. */
#include "core/tree/xml.h"

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

/* Reports a fault at a line. */
static void *fail_line(struct xml *x, long line, const char *code, const char *text) {
    char where[256];
    snprintf(where, sizeof where, "%.200s%s%ld", x->source ? x->source : "", x->source ? ":" : "",
             line);
    error_set(x->error, code, where, "%s", text);
    return NULL;
}

/* Reports a fault at an element. */
static void *fail_at(struct xml *x, const xmlNode *at, const char *text) {
    return fail_line(x, xmlGetLineNo(at), "xml-invalid", text);
}

/* Reports that memory is out. */
static void *fail_memory(struct xml *x, const xmlNode *at) {
    return fail_line(x, xmlGetLineNo(at), "memory", "there is no memory for the resource");
}

/* Gives a node its line. */
static struct tree *placed(struct xml *x, struct tree *node, const xmlNode *at) {
    if (!node)
        return fail_memory(x, at);
    long line = xmlGetLineNo(at);
    node->line = line > 0 && line < UINT32_MAX ? (uint32_t)line : 0;
    node->column = 1;
    return node;
}

static const char *text_of(const xmlChar *text) {
    return (const char *)text;
}

static bool in_namespace(const xmlNs *ns, const char *uri) {
    return ns && ns->href && strcmp(text_of(ns->href), uri) == 0;
}

/* The text of an attribute: empty texts and entities are refused. */
static const char *attribute_text(const xmlAttr *a) {
    const xmlNode *t = a->children;
    return t && !t->next && t->type == XML_TEXT_NODE && t->content && t->content[0]
               ? text_of(t->content)
               : NULL;
}

/* Finds an attribute without namespace; false when it is there but empty. */
static bool attribute(const xmlNode *element, const char *name, const char **text) {
    *text = NULL;
    for (const xmlAttr *a = element->properties; a; a = a->next)
        if (!a->ns && strcmp(text_of(a->name), name) == 0)
            return (*text = attribute_text(a)) != NULL;
    return true;
}

/* Checks that an element has only attributes that FHIR knows: those named, and xsi:. */
static bool attributes_known(struct xml *x, const xmlNode *element, const char *first,
                             const char *second) {
    for (const xmlAttr *a = element->properties; a; a = a->next) {
        const char *name = text_of(a->name);
        if (in_namespace(a->ns, XSI_NAMESPACE))
            continue;
        if (a->ns ||
            ((!first || strcmp(name, first) != 0) && (!second || strcmp(name, second) != 0))) {
            fail_at(x, element, "the element has an attribute that FHIR does not know there");
            return false;
        }
    }
    return true;
}

/* Checks one child node: true for an element to read; text that is not white space is a fault. */
static bool is_element(struct xml *x, const xmlNode *node, bool *fault) {
    if (node->type == XML_ELEMENT_NODE)
        return true;
    bool text = node->type == XML_TEXT_NODE && xmlIsBlankNode(node) == 0;
    if (text || node->type == XML_CDATA_SECTION_NODE || node->type == XML_ENTITY_REF_NODE) {
        fail_at(x, node->parent,
                "text stands where FHIR has elements: put it into a value attribute");
        *fault = true;
    }
    return false;
}

static bool digits(const char **p) {
    const char *start = *p;
    while (**p >= '0' && **p <= '9')
        (*p)++;
    return *p > start;
}

/* Tells whether a text is a number as JSON writes it. */
static bool is_number(const char *p) {
    if (*p == '-')
        p++;
    if (p[0] == '0' && p[1] >= '0' && p[1] <= '9')
        return false;
    if (!digits(&p))
        return false;
    if (*p == '.' && (p++, !digits(&p)))
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '+' || *p == '-')
            p++;
        if (!digits(&p))
            return false;
    }
    return *p == '\0';
}

/* Makes the node of a primitive's value. */
static struct tree *primitive(struct xml *x, const xmlNode *at, const char *text,
                              enum tree_kind kind) {
    if (kind == TREE_STRING)
        return placed(x, tree_string(x->arena, text, strlen(text)), at);
    if (kind == TREE_NUMBER) {
        if (*text == '+')
            text++;
        if (!is_number(text))
            return fail_at(x, at, "the value is no number");
        return placed(x, tree_number(x->arena, text, strlen(text)), at);
    }
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return fail_at(x, at, "the value is neither true nor false");
    return placed(x, tree_boolean(x->arena, yes), at);
}

/* Adds a member with the name of an element, behind an underscore for companions. */
static bool add(struct xml *x, struct tree *object, const char *name, struct tree *value) {
    return value && tree_add(x->arena, object, name, value);
}

/* Finds or makes the array of a repeating element. */
static struct tree *array_of(struct xml *x, struct tree *object, const char *name,
                             const xmlNode *at) {
    struct tree *array = tree_get(object, name);
    if (!array) {
        array = placed(x, tree_new(x->arena, TREE_ARRAY), at);
        if (!add(x, object, name, array))
            return fail_memory(x, at);
    }
    return array;
}

/* Appends nulls until an array has `length` elements. */
static bool pad(struct xml *x, struct tree *array, uint32_t length) {
    while (array->length < length)
        if (!tree_append(array, tree_new(x->arena, TREE_NULL)))
            return false;
    return true;
}

/* Puts value and companion (either may be NULL) of a primitive into the object. */
static bool put_primitive(struct xml *x, struct tree *object, const char *name, bool repeats,
                          struct tree *value, struct tree *companion, const xmlNode *at) {
    char other[128];
    if (snprintf(other, sizeof other, "_%s", name) >= (int)sizeof other)
        return fail_at(x, at, "unknown element") != NULL;
    if (!repeats) {
        if (tree_get(object, name) || tree_get(object, other))
            return fail_at(x, at, "the element stands twice but may stand once only") != NULL;
        return (!value || add(x, object, name, value)) &&
               (!companion || add(x, object, other, companion));
    }
    struct tree *array = array_of(x, object, name, at), *companions = tree_get(object, other);
    if (!array)
        return false;
    uint32_t index = array->length;
    if (!tree_append(array, value ? value : tree_new(x->arena, TREE_NULL)))
        return false;
    if (!companion)
        return !companions || pad(x, companions, index + 1);
    companions = array_of(x, object, other, at);
    return companions && pad(x, companions, index) && tree_append(companions, companion);
}

/* Keeps narrative as text. */
static struct tree *read_xhtml(struct xml *x, xmlNode *element) {
    xmlBuffer *buffer = xmlBufferCreate();
    xmlNode *copy = xmlDocCopyNode(element, element->doc, 1);
    struct tree *node = NULL;
    if (buffer && copy && xmlNodeDump(buffer, element->doc, copy, 0, 0) >= 0)
        node = tree_string(x->arena, text_of(xmlBufferContent(buffer)),
                           (size_t)xmlBufferLength(buffer));
    if (copy)
        xmlFreeNode(copy);
    if (buffer)
        xmlBufferFree(buffer);
    return placed(x, node, element);
}

static bool read_children(struct xml *x, xmlNode *element, const char *type, struct tree *object,
                          unsigned depth);

/* Reads a primitive with its id and extensions. */
static bool read_primitive(struct xml *x, xmlNode *child, const char *type, bool repeats,
                           enum tree_kind kind, struct tree *object, unsigned depth) {
    const char *text, *id;
    struct tree *value = NULL, *companion = NULL;
    if (!attributes_known(x, child, "value", "id"))
        return false;
    if (!attribute(child, "value", &text) || !attribute(child, "id", &id))
        return fail_at(x, child, "an attribute is empty: leave the element out instead") != NULL;
    if (text && !(value = primitive(x, child, text, kind)))
        return false;
    companion = placed(x, tree_new(x->arena, TREE_OBJECT), child);
    if (!companion)
        return false;
    if (id && !add(x, companion, "id", placed(x, tree_string(x->arena, id, strlen(id)), child)))
        return false;
    if (!read_children(x, child, type, companion, depth + 1))
        return false;
    if (!companion->first)
        companion = NULL;
    if (!value && !companion)
        return fail_at(x, child, "the element has neither a value nor an extension") != NULL;
    if (!put_primitive(x, object, text_of(child->name), repeats, value, companion, child))
        return error_is_set(x->error) ? false : fail_memory(x, child) != NULL;
    return true;
}

/* Reads the one resource inside an element such as contained. */
static struct tree *read_inner_resource(struct xml *x, xmlNode *element, unsigned depth) {
    struct tree *resource = NULL;
    bool fault = false;
    for (xmlNode *n = element->children; n; n = n->next) {
        if (!is_element(x, n, &fault)) {
            if (fault)
                return NULL;
            continue;
        }
        if (resource)
            return fail_at(x, n, "one element holds one resource only");
        resource = read_resource(x, n, depth + 1);
        if (!resource)
            return NULL;
    }
    return resource ? resource : fail_at(x, element, "expected a resource in the element");
}

/* Reads an element with children: its id and, for an extension, its url are attributes. */
static struct tree *read_complex(struct xml *x, xmlNode *element, const char *type,
                                 unsigned depth) {
    struct tree *object = placed(x, tree_new(x->arena, TREE_OBJECT), element);
    const char *id, *url = NULL;
    bool extension = strcmp(type, "Extension") == 0;
    if (!object || !attributes_known(x, element, "id", extension ? "url" : NULL))
        return NULL;
    if (!attribute(element, "id", &id) || (extension && !attribute(element, "url", &url)))
        return fail_at(x, element, "an attribute is empty: leave it out instead");
    if (id && !add(x, object, "id", placed(x, tree_string(x->arena, id, strlen(id)), element)))
        return fail_memory(x, element);
    if (url && !add(x, object, "url", placed(x, tree_string(x->arena, url, strlen(url)), element)))
        return fail_memory(x, element);
    return read_children(x, element, type, object, depth) ? object : NULL;
}

/* Reads one child element into the object. */
static bool read_child(struct xml *x, xmlNode *child, const char *type, struct tree *object,
                       unsigned depth) {
    const char *name = text_of(child->name), *child_type = NULL;
    bool repeats = false,
         xhtml = in_namespace(child->ns, XHTML_NAMESPACE) && strcmp(name, "div") == 0;
    enum tree_kind kind = TREE_OBJECT;
    if (!xhtml && !in_namespace(child->ns, FHIR_NAMESPACE))
        return fail_at(x, child, "expected an element of the namespace " FHIR_NAMESPACE) != NULL;
    if (!x->shape->child(type, name, &child_type, &repeats, &kind))
        return fail_at(x, child, "R4 has no such element there") != NULL;
    if (xhtml != (strcmp(child_type, "xhtml") == 0))
        return fail_at(x, child, "expected a div of the namespace " XHTML_NAMESPACE) != NULL;
    if (!xhtml && kind != TREE_OBJECT)
        return read_primitive(x, child, child_type, repeats, kind, object, depth);
    struct tree *value = xhtml ? read_xhtml(x, child)
                         : strcmp(child_type, "Resource") == 0
                             ? read_inner_resource(x, child, depth)
                             : read_complex(x, child, child_type, depth + 1);
    if (!value)
        return false;
    if (repeats) {
        struct tree *array = array_of(x, object, name, child);
        return array && tree_append(array, value);
    }
    if (tree_get(object, name))
        return fail_at(x, child, "the element stands twice but may stand once only") != NULL;
    return add(x, object, name, value) || fail_memory(x, child) != NULL;
}

/* Removes arrays that hold nulls only: all their elements have extensions but no values. */
static void drop_empty_arrays(struct tree *object) {
    for (struct tree *n = object->first, *next; n; n = next) {
        next = n->next;
        bool empty = n->kind == TREE_ARRAY;
        for (const struct tree *c = empty ? n->first : NULL; c && empty; c = c->next)
            empty = c->kind == TREE_NULL;
        if (empty)
            tree_remove(n);
    }
}

/* Reads all children of an element. */
static bool read_children(struct xml *x, xmlNode *element, const char *type, struct tree *object,
                          unsigned depth) {
    bool fault = false;
    if (depth > TREE_MAX_DEPTH)
        return fail_at(x, element, "elements are nested too deep") != NULL;
    for (xmlNode *n = element->children; n && !fault; n = n->next)
        if (is_element(x, n, &fault) && !read_child(x, n, type, object, depth))
            return false;
    if (!fault)
        drop_empty_arrays(object);
    return !fault;
}

/* Reads a resource. */
static struct tree *read_resource(struct xml *x, xmlNode *element, unsigned depth) {
    const char *type = text_of(element->name);
    if (!in_namespace(element->ns, FHIR_NAMESPACE))
        return fail_at(x, element, "expected a resource of the namespace " FHIR_NAMESPACE);
    struct tree *object = placed(x, tree_new(x->arena, TREE_OBJECT), element);
    if (!object || !attributes_known(x, element, NULL, NULL))
        return NULL;
    if (!add(x, object, "resourceType",
             placed(x, tree_string(x->arena, type, strlen(type)), element)))
        return fail_memory(x, element);
    return read_children(x, element, type, object, depth) ? object : NULL;
}

/* Stops at a document type declaration. */
static void refuse_dtd(void *context, const xmlChar *name, const xmlChar *external,
                       const xmlChar *system) {
    (void)name, (void)external, (void)system;
    xmlParserCtxt *parser = context;
    *(bool *)parser->_private = true;
    xmlStopParser(parser);
}

/* Reads a FHIR resource in XML. */
struct tree *xml_read_resource(struct arena *a, const char *text, size_t length, const char *source,
                               const struct xml_shape *shape, struct iptfhir_error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct iptfhir_error own = ERROR_INIT;
    struct xml x = { .arena = a, .shape = shape, .source = source, .error = error ? error : &own };
    struct tree *resource = NULL;
    bool dtd = false;
    xmlDoc *doc = NULL;
    pthread_once(&once, xmlInitParser);
    xmlParserCtxt *parser = length <= INT_MAX ? xmlNewParserCtxt() : NULL;
    if (!parser) {
        fail_line(&x, 1, "memory", "there is no memory for the XML text");
        goto out;
    }
    parser->_private = &dtd;
    if (parser->sax)
        parser->sax->internalSubset = refuse_dtd;
    doc = xmlCtxtReadMemory(parser, text, (int)length, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                XML_PARSE_BIG_LINES);
    const xmlError *fault = xmlCtxtGetLastError(parser);
    if (dtd)
        fail_line(&x, fault ? fault->line : 1, "xml-invalid",
                  "a document type declaration is not allowed");
    else if (!doc || !parser->wellFormed)
        fail_line(&x, fault ? fault->line : 1, "xml-invalid", "the text is not well-formed XML");
    else
        resource = read_resource(&x, xmlDocGetRootElement(doc), 1);
    if (!resource)
        error_set(x.error, "memory", source, "there is no memory for the resource");
out:
    if (doc)
        xmlFreeDoc(doc);
    if (parser)
        xmlFreeParserCtxt(parser);
    return resource;
}
