/*
 * A path item a pattern, an operation a row.
 */
#include "http/openapi.h"

#include <stdio.h>
#include <string.h>

#include "base/invariant.h"
#include "http/http_schema.h"
#include "http/route.h"

static const struct query_row {
    const char *name, *schema, *help;
} query_rows[] = {
#define QUERY(name, schema, help) {#name, schema, help},
#include "http/query.def"
#undef QUERY
};

static json_t *ref(const char *schema)
{
    return json_pack("{s:s+}", "$ref", "#/components/schemas/", schema);
}

static json_t *list_of(const char *schema)
{
    return json_pack("{s:s, s:[s,s], s:{s:{s:s, s:o}, s:{s:[s,s]}}}", "type", "object", "required",
                     "items", "next", "properties", "items", "type", "array", "items", ref(schema),
                     "next", "type", "string", "null");
}

static json_t *content(const char *type, json_t *schema)
{
    return json_pack("{s:{s:o}}", type, "schema", schema);
}

static json_t *answer_content(const struct route *r)
{
    if (r->answer[0] == '*')
        return content(r->answer + 1, json_pack("{s:s}", "type", "string"));
    if (strncmp(r->answer, "[]", 2) == 0)
        return content("application/json", list_of(r->answer + 2));
    return content("application/json", ref(r->answer));
}

static json_t *body_content(const struct route *r)
{
    if (strcmp(r->body, "*bytes") == 0)
        return content("application/octet-stream", json_object());
    return content("application/json", ref(r->body[0] == '*' ? "Object" : r->body));
}

static json_t *responses(const struct route *r)
{
    json_t *all = json_object(), *good = json_pack("{s:s}", "description", "as asked");
    char status[8];

    if (r->answer[0] != '\0')
        (void)json_object_set_new(good, "content", answer_content(r));
    (void)snprintf(status, sizeof(status), "%u", r->status);
    (void)json_object_set_new(all, status, good);
    (void)json_object_set_new(all, "default",
                              json_pack("{s:s, s:o}", "description", "a problem", "content",
                                        content("application/problem+json", ref("Problem"))));
    return all;
}

static void add_path_parameters(const struct route *r, json_t *parameters)
{
    const char *at = r->pattern;

    while ((at = strchr(at, '{')) != NULL) {
        const char *end = strchr(at, '}');

        invariant(end != NULL);
        (void)json_array_append_new(parameters,
                                    json_pack("{s:s%, s:s, s:b, s:{s:s}}", "name", at + 1,
                                              (size_t)(end - at - 1), "in", "path", "required", 1,
                                              "schema", "type", "string"));
        at = end;
    }
}

static void add_query_parameters(const struct route *r, json_t *parameters)
{
    struct slice rest = slice_of(r->query);

    while (rest.len > 0) {
        struct slice name = slice_cut(&rest, ' ');
        size_t i = 0;

        while (!slice_is(name, query_rows[i].name)) {
            i++;
            invariant(i < sizeof(query_rows) / sizeof(query_rows[0]));
        }
        (void)json_array_append_new(parameters,
                                    json_pack("{s:s, s:s, s:s, s:o}", "name", query_rows[i].name,
                                              "in", "query", "description", query_rows[i].help,
                                              "schema", json_loads(query_rows[i].schema, 0, NULL)));
    }
}

/* Of what may have been changed meanwhile: every route of these methods has a GET beside it. */
static void add_if_match(const struct route *r, json_t *parameters)
{
    if (r->method != HTTP_METHOD_PATCH && r->method != HTTP_METHOD_DELETE)
        return;
    (void)json_array_append_new(
        parameters,
        json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", "If-Match", "in", "header", "description",
                  "ETag of a GET of this path: 412 if it is another one now", "schema", "type",
                  "string"));
}

static json_t *security(enum http_right right)
{
    if (right == HTTP_RIGHT_ANYONE)
        return json_array();
    if (right == HTTP_RIGHT_VIEWER || right == HTTP_RIGHT_ADMIN)
        return json_pack("[{s:[]}]", "cookie");
    return json_pack("[{s:[]},{s:[]},{s:[]}]", "cookie", "bearer", "signature");
}

static json_t *operation(const struct route *r)
{
    json_t *o = json_object(), *parameters = json_array();

    add_path_parameters(r, parameters);
    add_query_parameters(r, parameters);
    add_if_match(r, parameters);
    (void)json_object_set_new(o, "summary", json_string(r->summary));
    (void)json_object_set_new(o, "description",
                              json_pack("s++", "Needs ", http_right_text(r->right), "."));
    (void)json_object_set_new(o, "tags", json_pack("[s]", r->tag));
    (void)json_object_set_new(o, "security", security(r->right));
    (void)json_object_set_new(o, "parameters", parameters);
    if (r->body[0] != '\0')
        (void)json_object_set_new(
            o, "requestBody", json_pack("{s:b, s:o}", "required", 1, "content", body_content(r)));
    (void)json_object_set_new(o, "responses", responses(r));
    return o;
}

static json_t *paths(void)
{
    json_t *all = json_object();

    for (size_t i = 0; i < route_count(); i++) {
        const struct route *r = route_at(i);
        json_t *path = json_object_get(all, r->pattern);
        char method[16];
        size_t len = 0;

        if (path == NULL) {
            path = json_object();
            (void)json_object_set_new(all, r->pattern, path);
        }
        for (const char *c = http_method_name(r->method); *c != '\0'; c++)
            method[len++] = (char)(*c + ('a' - 'A'));
        method[len] = '\0';
        (void)json_object_set_new(path, method, operation(r));
    }
    return all;
}

static json_t *security_schemes(void)
{
    return json_pack("{s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s}}", "cookie",
                     "type", "apiKey", "in", "cookie", "name", "__Host-eztcloud", "description",
                     "of POST /api/v1/login; what changes something needs the header X-CSRF-Token",
                     "bearer", "type", "http", "scheme", "bearer", "signature", "type", "apiKey",
                     "in", "header", "name", "signature", "description",
                     "headers user (projectKey), timestamp (Unix), signature: md5 of the timestamp "
                     "and the ProjectToken");
}

json_t *openapi_new(const char *version)
{
    json_t *schemas = json_deep_copy(http_schema_all());
    json_t *document = json_pack(
        "{s:s, s:{s:s, s:s, s:s}, s:[{s:s}], s:o, s:{s:o, s:o}}", "openapi", "3.1.0", "info",
        "title", "EZtCloud Open", "version", version, "description",
        "The HTTPS API of EZtCloud Open, see docs/https-api.md.", "servers", "url", "/", "paths",
        paths(), "components", "schemas", schemas, "securitySchemes", security_schemes());

    invariant(document != NULL);
    return document;
}
