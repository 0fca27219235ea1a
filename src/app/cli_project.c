/*
 * `eztcloud project …`
 */
#include "app/cli.h"
#include "app/cli_output.h"
#include "base/clock.h"
#include "platform/web_origin.h"
#include "store/secret.h"

static const char *const columns[] = {"project_key", "enabled", "open_mqtt",
                                      "created_ms",  "name",    NULL};

static json_t *describe(const struct registry_project *p, bool with_secrets)
{
    json_t *object = json_object();
    char key[IDENT_TEXT_LEN + 1];

    ident_format(IDENT_PROJECT, p->project_id, key);
    (void)json_object_set_new(object, "project_key", json_string(key));
    if (with_secrets) {
        (void)json_object_set_new(object, "project_secret", json_string(p->secret));
        (void)json_object_set_new(object, "project_token", json_string(p->token));
    }
    (void)json_object_set_new(object, "name", json_string(p->name));
    (void)json_object_set_new(object, "enabled", json_boolean(p->enabled));
    (void)json_object_set_new(object, "open_mqtt", json_boolean(p->open_mqtt));
    (void)json_object_set_new(object, "alarm_per_rule", json_boolean(p->alarm_per_rule));
    (void)json_object_set_new(object, "log", json_boolean(p->log));
    (void)json_object_set_new(object, "journal", json_string(journal_policy_word(p->journal)));
    (void)json_object_set_new(object, "origins", json_string(p->origins));
    (void)json_object_set_new(object, "created_ms", json_integer(p->created_ms));
    return object;
}

enum status cli_project_add(struct cli_call *call)
{
    struct registry_project p = {.enabled = true, .open_mqtt = true, .created_ms = clock_unix_ms()};
    enum status st = cli_take_text(call, CLI_FLAG_name, p.name);

    if (st != ST_OK)
        return st;
    st = registry_project_make(call->registry, &p);
    if (st == ST_OK)
        cli_output_object(call->output, describe(&p, true));
    secret_wipe(&p, sizeof(p));
    return st == ST_OK ? st : cli_fail(call, st, "the project was not added: %s", status_text(st));
}

static bool on_project(const struct registry_project *p, void *arg)
{
    cli_output_list_row(arg, describe(p, false));
    return true;
}

enum status cli_project_list(struct cli_call *call)
{
    enum status st;

    cli_output_list_begin(call->output, "projects", columns);
    st = registry_project_each(call->registry, on_project, call->output);
    return cli_end_list(call, st);
}

enum status cli_project_show(struct cli_call *call)
{
    struct registry_project p;
    enum status st = cli_get_project(call, call->operand, &p);

    if (st != ST_OK)
        return st;
    cli_output_object(call->output, describe(&p, true));
    secret_wipe(&p, sizeof(p));
    return ST_OK;
}

static enum status take_origins(struct cli_call *call, char *out)
{
    const char *text = call->flags[CLI_FLAG_origins];
    struct slice word;
    enum status st = text == NULL ? ST_OK : web_origin_list_make(slice_of(text), out, &word);

    if (st == ST_INVALID)
        return cli_fail(call, st,
                        "--origins: %.*s: no origin: give scheme, host and port of a page, as "
                        "https://example.com:8443",
                        (int)word.len, (const char *)word.data);
    if (st != ST_OK)
        return cli_fail(call, st, "--origins: more than %d bytes", WEB_ORIGIN_LIST_MAX);
    return st;
}

static enum status take_journal(struct cli_call *call, enum journal_policy *out)
{
    const char *word = call->flags[CLI_FLAG_journal];

    if (word == NULL || journal_policy_parse(word, out))
        return ST_OK;
    return cli_fail(call, ST_INVALID, "--journal %s: give when_owed, always or never", word);
}

/* Reads the project of the operand, applies the flags to it, and writes it back. */
static enum status change(struct cli_call *call, struct registry_project *p)
{
    enum status st = cli_get_project(call, call->operand, p);

    if (st == ST_OK)
        st = cli_take_text(call, CLI_FLAG_name, p->name);
    if (st == ST_OK)
        st = cli_take_switch(call, CLI_FLAG_open_mqtt, &p->open_mqtt);
    if (st == ST_OK)
        st = cli_take_switch(call, CLI_FLAG_enabled, &p->enabled);
    if (st == ST_OK)
        st = cli_take_switch(call, CLI_FLAG_alarm_per_rule, &p->alarm_per_rule);
    if (st == ST_OK)
        st = cli_take_switch(call, CLI_FLAG_log, &p->log);
    if (st == ST_OK)
        st = take_journal(call, &p->journal);
    if (st == ST_OK)
        st = take_origins(call, p->origins);
    if (st != ST_OK)
        return st;
    return cli_tell_change(call, registry_project_update(call->registry, p));
}

enum status cli_project_set(struct cli_call *call)
{
    struct registry_project p = {0};
    enum status st;

    if (call->flags[CLI_FLAG_name] == NULL && call->flags[CLI_FLAG_open_mqtt] == NULL &&
        call->flags[CLI_FLAG_enabled] == NULL && call->flags[CLI_FLAG_alarm_per_rule] == NULL &&
        call->flags[CLI_FLAG_log] == NULL && call->flags[CLI_FLAG_journal] == NULL &&
        call->flags[CLI_FLAG_origins] == NULL)
        return cli_fail(call, ST_INVALID,
                        "project set: nothing to change: give --name, --open-mqtt, --enabled, "
                        "--alarm-per-rule, --log, --journal or --origins");
    st = cli_begin_change(call);
    if (st == ST_OK)
        st = cli_end_change(call, change(call, &p));
    if (st == ST_OK)
        cli_output_object(call->output, describe(&p, false));
    secret_wipe(&p, sizeof(p));
    return st;
}

enum status cli_project_renew(struct cli_call *call)
{
    struct registry_project p = {0};
    enum status st = cli_begin_change(call);

    if (st != ST_OK)
        return st;
    st = cli_get_project(call, call->operand, &p);
    if (st == ST_OK) {
        ident_random_text(p.token, IDENT_SECRET_LEN);
        st = cli_tell_change(call,
                             registry_project_set_token(call->registry, p.project_id, p.token));
    }
    st = cli_end_change(call, st);
    if (st == ST_OK)
        cli_output_object(call->output, describe(&p, true));
    secret_wipe(&p, sizeof(p));
    return st;
}

enum status cli_project_remove(struct cli_call *call)
{
    uint64_t id = ident_parse(IDENT_PROJECT, slice_of(call->operand));
    enum status st = id == 0 ? ST_INVALID : registry_project_remove(call->registry, id);

    switch (st) {
    case ST_INVALID:
        return cli_fail(call, st, "%s: no project key: it is PR_ and ten letters or digits",
                        call->operand);
    case ST_NOT_FOUND:
        return cli_fail(call, st, "%s: no such project: `eztcloud project list` shows all",
                        call->operand);
    default:
        return cli_end_remove(call, st);
    }
}
