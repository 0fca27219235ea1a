/*
 * Credentials and what is made from them: topics. Main thread, before the load starts.
 */
#include "load_credentials.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "load_buffer.h"
#include "load_fatal.h"

static const char *credentials_text(const json_t *object, const char *name, const char *path)
{
    const char *text = json_string_value(json_object_get(object, name));

    if (text == NULL)
        load_fatal("%s: no text '%s'", path, name);
    return text;
}

void load_credentials_init(struct load_credentials *credentials, const char *path, const char *key,
                           const char *secret)
{
    json_error_t error;
    json_t *document;
    json_t *devices;

    if (path[0] == '\0')
        load_fatal("--credentials FILE is needed");
    document = json_load_file(path, 0, &error);
    if (document == NULL)
        load_fatal("%s: %s", path, error.text);
    credentials->document = document;
    credentials->project_key =
        key[0] != '\0' ? key : credentials_text(document, "project_key", path);
    credentials->project_secret =
        secret[0] != '\0' ? secret : credentials_text(document, "project_secret", path);

    devices = json_object_get(document, "devices");
    credentials->device_count = json_array_size(devices);
    credentials->devices =
        load_buffer_new_objects(credentials->device_count, sizeof(*credentials->devices));
    for (size_t i = 0; i < credentials->device_count; i++) {
        const json_t *device = json_array_get(devices, i);

        credentials->devices[i].username = credentials_text(device, "username", path);
        credentials->devices[i].password = credentials_text(device, "password", path);
    }
}

void load_credentials_deinit(struct load_credentials *credentials)
{
    json_decref(credentials->document);
    free(credentials->devices);
    *credentials = (struct load_credentials){0};
}

char *load_credentials_expand(const struct load_credentials *credentials, const char *text,
                              const char *username)
{
    const struct {
        const char *name;
        const char *value;
    } placeholders[] = {
        {"{projectKey}", credentials->project_key},
        {"{deviceUsername}", username},
    };
    const size_t count = sizeof(placeholders) / sizeof(placeholders[0]);
    struct load_buffer expanded = {0};

    while (*text != '\0') {
        size_t i = 0;

        if (*text != '{') {
            load_buffer_append(&expanded, text++, 1);
            continue;
        }
        while (i < count &&
               (placeholders[i].value == NULL ||
                strncmp(text, placeholders[i].name, strlen(placeholders[i].name)) != 0))
            i++;
        if (i == count)
            load_fatal("'%s' is no placeholder here", text);
        load_buffer_append(&expanded, placeholders[i].value, strlen(placeholders[i].value));
        text += strlen(placeholders[i].name);
    }
    load_buffer_append(&expanded, "", 1);
    return (char *)expanded.bytes;
}
