/*
 * Credentials to callers, and rights by table.
 *
 * A log-in's token is random and lives in the cookie; the registry has its hash. A bearer token is
 * not kept anywhere: `b1.<projectKey>.<secret's name>.<expiry, Unix s>.<mac>`, where the mac, under
 * the data directory's key, covers the secret too, so that a renewed secret ends its tokens.
 */
#include "http/http_auth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "http/counters.h"
#include "http/events.h"
#include "http/http_credential.h"
#include "net/tls_digest.h"

enum {
    LOGIN_USE_MS = 60 * 1000,       /* how exact the time of the last use is kept */
    SIGNATURE_MS = 2 * 3600 * 1000, /* how far a signed request's time may be from ours */
    MAC_TEXT_LEN = 2 * SECRET_HASH_LEN
};

/* A timestamp from here on is in ms, below it in s. */
static const int64_t timestamp_ms_from = 100000000000;

static void format_hex(const uint8_t *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* --- operators -------------------------------------------------------------------------------- */

void http_auth_csrf(const struct http_call *call, struct slice token, char out[HTTP_CSRF_LEN + 1])
{
    uint8_t mac[SECRET_HASH_LEN];

    registry_mac(call->registry, "csrf", token, mac);
    format_hex(mac, HTTP_CSRF_LEN / 2, out);
}

static void set_cookie(struct http_call *call, const char *token, int max_age_s)
{
    char value[256];

    (void)snprintf(value, sizeof(value),
                   HTTP_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%d", token,
                   max_age_s);
    http_response_header(call->answer, "Set-Cookie", value);
    secret_wipe(value, sizeof(value));
}

void http_auth_clear_cookie(struct http_call *call)
{
    set_cookie(call, "", 0);
}

static void be_operator(struct http_call *call, const struct registry_login *l, struct slice token)
{
    struct http_caller *c = &call->caller;
    int64_t idle_end_ms = l->used_ms + HTTP_LOGIN_IDLE_MS;
    int64_t end_ms = l->created_ms + HTTP_LOGIN_MAX_MS;

    c->kind = HTTP_CALLER_OPERATOR;
    c->is_admin = l->is_admin;
    memcpy(c->username, l->username, sizeof(c->username));
    memcpy(c->token_hash, l->token_hash, sizeof(c->token_hash));
    c->expires_ms = idle_end_ms < end_ms ? idle_end_ms : end_ms;
    http_auth_csrf(call, token, c->csrf);
}

enum status http_auth_log_in(struct http_call *call, const struct registry_operator *o)
{
    struct registry_login l = {.is_admin = o->is_admin, .created_ms = clock_unix_ms()};
    char token[HTTP_TOKEN_LEN + 1];
    enum status st;

    memcpy(l.username, o->username, sizeof(l.username));
    l.used_ms = l.created_ms;
    ident_random_text(token, HTTP_TOKEN_LEN);
    secret_hash(slice_of(token), l.token_hash);
    st = registry_login_remove_old(call->registry, l.created_ms - HTTP_LOGIN_MAX_MS,
                                   l.created_ms - HTTP_LOGIN_IDLE_MS);
    if (st == ST_OK)
        st = registry_login_add(call->registry, &l);
    if (st == ST_OK) {
        set_cookie(call, token, HTTP_LOGIN_MAX_MS / 1000);
        be_operator(call, &l, slice_of(token));
    }
    secret_wipe(token, sizeof(token));
    return st;
}

/* An unknown cookie is no fault: the log-in is over. */
static void identify_operator(struct http_call *call, struct slice token)
{
    struct registry_login l;
    uint8_t hash[SECRET_HASH_LEN];
    int64_t now_ms = clock_unix_ms();

    secret_hash(token, hash);
    if (registry_login_find(call->registry, hash, &l) != ST_OK ||
        now_ms >= l.used_ms + HTTP_LOGIN_IDLE_MS || now_ms >= l.created_ms + HTTP_LOGIN_MAX_MS)
        return;
    if (now_ms - l.used_ms >= LOGIN_USE_MS) {
        l.used_ms = now_ms;
        if (registry_login_use(call->registry, hash, now_ms) != ST_OK)
            counter_inc(http_logins_not_kept); /* it ends earlier than it should */
    }
    be_operator(call, &l, token);
}

/* --- applications: bearer --------------------------------------------------------------------- */

static void bearer_mac(const struct http_call *call, struct slice head, const char *secret,
                       char out[MAC_TEXT_LEN + 1])
{
    struct buffer text = {0};
    uint8_t mac[SECRET_HASH_LEN];

    buffer_append_slice(&text, head);
    buffer_append_u8(&text, '\n');
    buffer_append_text(&text, secret);
    registry_mac(call->registry, "bearer", buffer_slice(&text), mac);
    format_hex(mac, sizeof(mac), out);
    secret_wipe(text.data, text.len);
    buffer_deinit(&text);
}

void http_auth_make_bearer(const struct http_call *call, uint64_t project_id, const char *name,
                           const char *text, int64_t expires_ms, struct buffer *out)
{
    char key[IDENT_TEXT_LEN + 1], mac[MAC_TEXT_LEN + 1];
    struct buffer head = {0};

    ident_format(IDENT_PROJECT, project_id, key);
    buffer_printf(&head, "b1.%s.%s.%" PRId64, key, name, expires_ms / 1000);
    bearer_mac(call, buffer_slice(&head), text, mac);
    buffer_append_slice(out, buffer_slice(&head));
    buffer_append_u8(out, '.');
    buffer_append_text(out, mac);
    buffer_deinit(&head);
}

/* Unix seconds; 0: no number. */
static int64_t parse_seconds(struct slice text)
{
    int64_t value = 0;

    if (text.len == 0 || text.len > 15)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

/* `secret`: taken; NULL: the ProjectToken, which may everything. */
static void be_application(struct http_call *call, uint64_t project_id,
                           struct project_secret *secret)
{
    call->caller.kind = HTTP_CALLER_APPLICATION;
    call->caller.project_id = project_id;
    call->caller.secret = secret;
    call->caller.scopes = secret == NULL ? SCOPES_ALL : secret->scopes;
}

/* The secret that a token stands for, which is live and good from here; NULL: none. */
static struct project_secret *secret_of_bearer(struct http_call *call, struct slice token,
                                               uint64_t *project_id)
{
    struct slice rest = token;
    struct slice version = slice_cut(&rest, '.');
    struct slice key = slice_cut(&rest, '.');
    struct slice name = slice_cut(&rest, '.');
    struct slice expiry = slice_cut(&rest, '.');
    char text[IDENT_SECRET_LEN + 1], mac[MAC_TEXT_LEN + 1], name_text[IDENT_MEMBER_MAX + 1];
    struct project_secret *s;

    *project_id = ident_parse(IDENT_PROJECT, key);
    if (token.len > HTTP_BEARER_MAX || !slice_is(version, "b1") || !ident_is_member(name) ||
        *project_id == 0 || parse_seconds(expiry) * 1000 <= clock_unix_ms())
        return NULL;
    memcpy(name_text, name.data, name.len);
    name_text[name.len] = '\0';
    s = http_credential_find_name(call, *project_id, name_text, text);
    if (s == NULL)
        return NULL;
    bearer_mac(call, slice_make(token.data, (size_t)(expiry.data + expiry.len - token.data)), text,
               mac);
    secret_wipe(text, sizeof(text));
    if (!secret_equal(rest, slice_of(mac)) || http_credential_refuses(call, s) != NULL)
        project_secret_unref(&s);
    return s;
}

static bool bearer_is_good(struct http_call *call, struct slice token)
{
    uint64_t project_id;
    struct project_secret *s = secret_of_bearer(call, token, &project_id);

    if (s != NULL)
        be_application(call, project_id, s);
    return s != NULL;
}

/* --- applications: signed requests ------------------------------------------------------------ */

static bool time_is_near(const char *timestamp)
{
    int64_t given = parse_seconds(slice_of(timestamp));
    int64_t given_ms = given >= timestamp_ms_from ? given : given * 1000;
    int64_t distance_ms = given_ms - clock_unix_ms();

    return distance_ms <= SIGNATURE_MS && distance_ms >= -SIGNATURE_MS;
}

static bool signature_is_right(const struct registry_project *p, const char *timestamp,
                               const char *signature)
{
    struct buffer text = {0};
    char wanted[TLS_DIGEST_MD5_HEX_LEN + 1], given[TLS_DIGEST_MD5_HEX_LEN + 1];

    if (strlen(signature) != TLS_DIGEST_MD5_HEX_LEN)
        return false;
    for (size_t i = 0; i <= TLS_DIGEST_MD5_HEX_LEN; i++)
        given[i] =
            (char)(signature[i] >= 'A' && signature[i] <= 'Z' ? signature[i] + 32 : signature[i]);
    buffer_append_text(&text, timestamp);
    buffer_append_text(&text, p->token);
    tls_digest_md5_hex(buffer_slice(&text), wanted);
    secret_wipe(text.data, text.len);
    buffer_deinit(&text);
    return secret_equal(slice_of(given), slice_of(wanted));
}

/* False: answered. */
static bool identify_signed(struct http_call *call, const char *signature)
{
    const char *user = http_request_header(call->request, "user");
    const char *timestamp = http_request_header(call->request, "timestamp");
    struct login_guard *guard = call->site->settings.app_logins;
    struct slice address = call->request->peer_address, name = slice_of(user);
    uint64_t project_id = ident_parse(IDENT_PROJECT, name);
    struct registry_project p;
    bool is_right;

    if (!login_guard_allows(guard, address, name, clock_mono_ms())) {
        http_fail(call, PROBLEM_locked_out, "too many wrong signatures; wait a while");
        return false;
    }
    is_right = project_id != 0 && timestamp != NULL && time_is_near(timestamp) &&
               registry_project_find(call->registry, project_id, &p) == ST_OK;
    if (is_right) {
        is_right = signature_is_right(&p, timestamp, signature);
        secret_wipe(&p, sizeof(p));
    }
    if (is_right) {
        login_guard_succeeded(guard, address, name);
        be_application(call, project_id, NULL);
        return true;
    }
    counter_inc(http_logins_failed);
    if (login_guard_failed(guard, address, name, clock_mono_ms()))
        log_event(EV_HTTP_LOCKED_OUT, "peer", call->request->peer, "username", log_slice(name));
    http_fail(call, PROBLEM_unauthenticated,
              "the signature is wrong, or its timestamp more than two hours away");
    return false;
}

/* --- who -------------------------------------------------------------------------------------- */

static bool is_metrics_token(const struct http_call *call, struct slice bearer)
{
    struct slice token = slice_of(call->site->settings.metrics_token);

    return call->match.route->right == HTTP_RIGHT_METRICS && token.len > 0 &&
           secret_equal(bearer, token);
}

bool http_auth_identify(struct http_call *call)
{
    struct slice bearer = http_request_bearer(call->request);
    struct slice cookie = http_request_cookie(call->request, HTTP_COOKIE);
    const char *signature = http_request_header(call->request, "signature");

    if (call->match.route->right == HTTP_RIGHT_ANYONE || is_metrics_token(call, bearer))
        return true;
    if (signature != NULL)
        return identify_signed(call, signature);
    if (bearer.len > 0 && !bearer_is_good(call, bearer)) {
        counter_inc(http_logins_failed);
        http_fail(call, PROBLEM_unauthenticated, "the token is wrong or has expired");
        return false;
    }
    if (bearer.len == 0 && cookie.len > 0)
        identify_operator(call, cookie);
    return true;
}

/* --- rights ----------------------------------------------------------------------------------- */

static const struct right_row {
    bool any_operator, admin; /* who of the operators */
    unsigned scopes;          /* what an application needs; 0: no application may */
    bool must_be_unbound;
} rights[HTTP_RIGHT_COUNT] = {
    [HTTP_RIGHT_VIEWER] = {true, true, 0, false},
    [HTTP_RIGHT_ADMIN] = {false, true, 0, false},
    [HTTP_RIGHT_LIST] = {true, true, SCOPE_BIT(SCOPE_SUBSCRIBE), false},
    [HTTP_RIGHT_READ] = {true, true, SCOPE_BIT(SCOPE_SUBSCRIBE), false},
    [HTTP_RIGHT_PUSH] = {false, true, SCOPE_BIT(SCOPE_PUSH), false},
    [HTTP_RIGHT_COMMAND] = {false, true, SCOPE_BIT(SCOPE_COMMAND), false},
    [HTTP_RIGHT_MANAGE] = {false, true, SCOPES_ALL, true},
    [HTTP_RIGHT_METRICS] = {true, true, 0, false},
};

static bool caller_has(const struct http_caller *c, enum http_right right)
{
    const struct right_row *r = &rights[right];

    if (c->kind == HTTP_CALLER_OPERATOR)
        return c->is_admin ? r->admin : r->any_operator;
    return r->scopes != 0 && (c->scopes & r->scopes) == r->scopes &&
           !(r->must_be_unbound && c->secret != NULL && c->secret->is_limited);
}

/* A page of another site cannot send the header; a cookie alone changes nothing. */
static bool csrf_is_right(const struct http_call *call)
{
    const char *given = http_request_header(call->request, "X-CSRF-Token");

    return http_method_is_safe(call->match.route->method) ||
           (given != NULL && secret_equal(slice_of(given), slice_of(call->caller.csrf)));
}

bool http_auth_permit(struct http_call *call)
{
    enum http_right right = call->match.route->right;
    const struct http_caller *c = &call->caller;

    if (right == HTTP_RIGHT_ANYONE || is_metrics_token(call, http_request_bearer(call->request)))
        return true;
    if (c->kind == HTTP_CALLER_NOBODY) {
        http_fail(call, PROBLEM_unauthenticated, "this needs %s", http_right_text(right));
        return false;
    }
    if (c->kind == HTTP_CALLER_APPLICATION && call->project.project_id != 0 &&
        call->project.project_id != c->project_id) {
        http_fail(call, PROBLEM_not_found, "there is no such project");
        return false;
    }
    if (call->device.device_id != 0 &&
        !http_credential_allows_device(call, call->device.device_id, call->device.type_id)) {
        http_fail(call, PROBLEM_not_found, "the device: does not exist for this secret");
        return false;
    }
    if (c->kind == HTTP_CALLER_APPLICATION && call->project.project_id != 0 &&
        !call->project.enabled) {
        http_fail(call, PROBLEM_forbidden, "the project is disabled");
        return false;
    }
    if (!caller_has(c, right)) {
        http_fail(call, PROBLEM_forbidden, "this needs %s", http_right_text(right));
        return false;
    }
    if (c->kind == HTTP_CALLER_OPERATOR && !csrf_is_right(call)) {
        http_fail(call, PROBLEM_csrf, "send the csrf_token of the log-in as X-CSRF-Token");
        return false;
    }
    return true;
}

bool http_auth_manages(const struct http_call *call)
{
    return call->caller.kind != HTTP_CALLER_NOBODY && caller_has(&call->caller, HTTP_RIGHT_MANAGE);
}
