/*
 * demo.json to struct and back.
 *
 * The file is read by other programs, too: its members are fixed.
 */
#include "app/demo_file.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/private_file.h"
#include "store/secret.h"

enum { FILE_MAX = 1024 * 1024, DEVICES_MAX = 10000 };

static bool make_path(const char *data_dir, char path[PATH_MAX])
{
    return snprintf(path, PATH_MAX, "%s/demo.json", data_dir) < PATH_MAX;
}

void demo_file_deinit(struct demo_file *d)
{
    secret_wipe(d->devices, d->device_count * sizeof(*d->devices));
    mem_free(d->devices);
    secret_wipe(d, sizeof(*d));
}

/* ---- writing */

static json_t *make_device(const struct demo_file_device *d)
{
    json_t *device = json_pack("{s:s, s:s, s:s}", "username", d->username, "password", d->password,
                               "name", d->name);

    if (d->parent[0] != '\0') {
        (void)json_object_set_new(device, "parent", json_string(d->parent));
        (void)json_object_set_new(device, "address", json_string(d->address));
    }
    return device;
}

static json_t *make_json(const struct demo_file *d)
{
    json_t *endpoints = json_object();
    json_t *devices = json_array();

    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        if (d->endpoints[i][0] != '\0')
            (void)json_object_set_new(endpoints, endpoint_name((enum endpoint)i),
                                      json_string(d->endpoints[i]));
    }
    for (size_t i = 0; i < d->device_count; i++)
        (void)json_array_append_new(devices, make_device(&d->devices[i]));
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:I}", "project_key", d->project_key,
                     "project_secret", d->project_secret, "project_token", d->project_token,
                     "endpoints", endpoints, "ca", d->ca, "devices", devices, "pid",
                     (json_int_t)d->pid);
}

enum status demo_file_write(const char *data_dir, const struct demo_file *d)
{
    char path[PATH_MAX];
    enum status st;
    json_t *json;
    char *text;
    size_t len;

    if (!make_path(data_dir, path))
        return ST_IO;
    json = make_json(d);
    text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    if (text == NULL)
        return ST_IO; /* a path that is not UTF-8 */
    len = strlen(text);
    text[len++] = '\n'; /* in the place of the terminator */
    st = private_file_replace(path, slice_make(text, len));
    secret_wipe(text, len);
    free(text);
    return st;
}

void demo_file_remove(const char *data_dir)
{
    char path[PATH_MAX];

    if (make_path(data_dir, path))
        (void)unlink(path);
}

/* ---- reading */

/* Copies a text member; false: it is none, or too long. */
static bool take_text(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    size_t len = text == NULL ? size : strlen(text);

    if (len >= size)
        return false;
    memcpy(out, text, len + 1);
    return true;
}

static bool take_device(const json_t *device, struct demo_file_device *to)
{
    if (json_object_get(device, "parent") != NULL &&
        (!take_text(device, "parent", to->parent, sizeof(to->parent)) ||
         !take_text(device, "address", to->address, sizeof(to->address))))
        return false;
    return take_text(device, "username", to->username, sizeof(to->username)) &&
           take_text(device, "password", to->password, sizeof(to->password)) &&
           take_text(device, "name", to->name, sizeof(to->name));
}

static bool take_devices(const json_t *array, struct demo_file *d)
{
    size_t count = json_array_size(array);

    if (!json_is_array(array) || count > DEVICES_MAX)
        return false;
    d->devices = mem_new(MEM_BASE, count * sizeof(*d->devices));
    d->device_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!take_device(json_array_get(array, i), &d->devices[i]))
            return false;
    }
    return true;
}

static bool take_json(const json_t *json, struct demo_file *d)
{
    const json_t *endpoints = json_object_get(json, "endpoints");

    for (size_t i = 0; i < ENDPOINT_COUNT; i++) {
        const char *name = endpoint_name((enum endpoint)i);

        if (json_object_get(endpoints, name) != NULL &&
            !take_text(endpoints, name, d->endpoints[i], sizeof(d->endpoints[i])))
            return false;
    }
    d->pid = (long)json_integer_value(json_object_get(json, "pid"));
    return take_text(json, "project_key", d->project_key, sizeof(d->project_key)) &&
           take_text(json, "project_secret", d->project_secret, sizeof(d->project_secret)) &&
           take_text(json, "project_token", d->project_token, sizeof(d->project_token)) &&
           take_text(json, "ca", d->ca, sizeof(d->ca)) &&
           take_devices(json_object_get(json, "devices"), d);
}

enum status demo_file_read(const char *data_dir, struct demo_file *d)
{
    struct buffer content = {0};
    char path[PATH_MAX];
    enum status st;

    *d = (struct demo_file){0};
    if (!make_path(data_dir, path))
        return ST_IO;
    st = private_file_read(path, FILE_MAX, &content);
    if (st == ST_OK) {
        json_t *json = json_loadb((const char *)content.data, content.len, 0, NULL);

        st = take_json(json, d) ? ST_OK : ST_MALFORMED;
        json_decref(json);
    }
    secret_wipe(content.data, content.len);
    buffer_deinit(&content);
    if (st != ST_OK)
        demo_file_deinit(d);
    return st == ST_TOO_LARGE ? ST_MALFORMED : st;
}
