/*
 * TLS over TCP. OpenSSL never touches the socket: a BIO of our own hands it the bytes of one
 * receive and gathers all records of a flush, so that each turn costs one receive and one send
 * however many records there are. OpenSSL's object keeps a partial record itself; cipher text that
 * the socket did not take waits in `unsent`. Runs on the connection's worker; nothing here points
 * into a worker between calls, so the connection can move.
 *
 * What a peer can do with TLS alone is bounded: the length of its hello and of its handshake, new
 * keys without data in between, and what is kept to answer them. Who asks for a renegotiation is
 * closed.
 */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/invariant.h"
#include "base/mem.h"
#include "net/tls_hello.h"
#include "net/transport.h"

enum {
    TLS_RECORD_HANDSHAKE = 0x16,
    TLS_SEND_AT = 256 * 1024, /* gathered cipher text that is sent without waiting for more */
    TLS_CLOGGED_AT = 2 * TLS_SEND_AT, /* unsent: more than output alone can leave behind */
    TLS_HANDSHAKE_RECEIVE = 16384,    /* bytes asked of the socket at once before it is done */
    TLS_HANDSHAKE_MAX = 32768,        /* bytes of a peer: a hello or two, and we ask for no
                                         certificate */
    TLS_KEY_UPDATES_MAX = 32          /* of a peer, without data in between */
};

struct transport_tls {
    struct transport base;
    int fd; /* borrowed: the connection's */
    bool saw_first_byte;
    bool is_broken;       /* OpenSSL failed: its object may only be freed */
    unsigned key_updates; /* since the last data */
    size_t handshake_len; /* bytes received before it was done */
    struct tls_hello hello;
    SSL *ssl;             /* owned, with its BIO */
    struct slice in;      /* what the BIO may still give, during a call */
    struct buffer *out;   /* where the BIO puts records, during a call */
    struct buffer unsent; /* owned */
};

static int bio_read(BIO *bio, char *data, size_t len, size_t *given)
{
    struct transport_tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *given = tls->in.len < len ? tls->in.len : len;
    if (*given == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(data, tls->in.data, *given);
    tls->in = slice_from(tls->in, *given);
    return 1;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *taken)
{
    struct transport_tls *tls = BIO_get_data(bio);

    buffer_append(tls->out, data, len);
    *taken = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static void give_up(struct transport_tls *tls, const char *fault)
{
    tls->is_broken = true;
    tls->base.fault = fault;
    tls->in = slice_make(NULL, 0);
}

/* A client may ask for new keys as often as it likes, and each costs us more than it costs the
 * client; of good ones data comes in between. Called by OpenSSL in handshakes and for such messages
 * only. */
static void on_info(const SSL *ssl, int where, int value)
{
    struct transport_tls *tls = BIO_get_data(SSL_get_rbio(ssl));

    if (where == SSL_CB_ACCEPT_LOOP && SSL_get_state(ssl) == TLS_ST_SR_KEY_UPDATE) {
        if (++tls->key_updates > TLS_KEY_UPDATES_MAX)
            give_up(tls, "too many key updates");
    } else if (where == SSL_CB_WRITE_ALERT &&
               value == (SSL3_AL_WARNING << 8 | SSL_AD_NO_RENEGOTIATION)) {
        give_up(tls, "renegotiation is not offered");
    }
}

static BIO_METHOD *bio_method;
static pthread_once_t bio_method_once = PTHREAD_ONCE_INIT;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
    invariant(bio_method != NULL);
    BIO_meth_set_read_ex(bio_method, bio_read);
    BIO_meth_set_write_ex(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

/* Sends as much as the socket takes; the rest is kept in `unsent`. */
static enum status send_gathered(struct transport_tls *tls, struct buffer *out)
{
    size_t sent = 0;

    errno = EAGAIN; /* behind what waits, nothing may be sent */
    while (tls->unsent.len == 0 && sent < out->len) {
        ssize_t n = send(tls->fd, out->data + sent, out->len - sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    tls->base.sent += sent;
    if (sent < out->len && errno != EAGAIN) {
        tls->base.is_timed_out = errno == ETIMEDOUT;
        out->len = 0;
        return ST_IO;
    }
    if (sent < out->len)
        buffer_append(&tls->unsent, out->data + sent, out->len - sent);
    out->len = 0;
    tls->base.has_unsent = tls->unsent.len > 0;
    tls->base.is_clogged = tls->unsent.len > TLS_CLOGGED_AT;
    return tls->base.has_unsent ? ST_AGAIN : ST_OK;
}

static enum status send_unsent(struct transport_tls *tls)
{
    while (tls->unsent.len > 0) {
        ssize_t n = send(tls->fd, tls->unsent.data, tls->unsent.len, MSG_NOSIGNAL);

        if (n < 0) {
            tls->base.is_timed_out = errno == ETIMEDOUT;
            return errno == EAGAIN || errno == EINTR ? ST_AGAIN : ST_IO;
        }
        buffer_consume(&tls->unsent, (size_t)n);
        tls->base.sent += (size_t)n;
        tls->base.is_clogged = tls->unsent.len > TLS_CLOGGED_AT;
    }
    buffer_deinit(&tls->unsent);
    tls->base.has_unsent = false;
    return ST_OK;
}

static const char *fault_text(unsigned long error)
{
    const char *text = ERR_reason_error_string(error);

    return text == NULL ? "TLS failed" : text;
}

/* After SSL_read or SSL_write said no. */
static enum status ssl_failure(struct transport_tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return ST_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return ST_CLOSED;
    default:
        tls->base.fault = fault_text(ERR_peek_error());
        tls->is_broken = true;
        ERR_clear_error();
        return ST_MALFORMED;
    }
}

/* The socket has ended: in a handshake that is a fault, else it is what `st` says. */
static enum status ended(struct transport_tls *tls, enum status st)
{
    if (!tls->saw_first_byte || tls->base.is_established)
        return st;
    give_up(tls, "closed in the handshake");
    return ST_MALFORMED;
}

/* What came before the handshake is done; behind its end there may be data already. */
static enum status judge_handshake(struct transport_tls *tls)
{
    if (tls->handshake_len > TLS_HANDSHAKE_MAX)
        give_up(tls, "handshake too long");
    else if (!tls_hello_feed(&tls->hello, tls->in))
        give_up(tls, "client hello too long");
    tls->handshake_len += tls->in.len;
    return tls->is_broken ? ST_MALFORMED : ST_OK;
}

static enum status receive(struct transport_tls *tls, struct transport_scratch *s)
{
    size_t room = tls->base.is_established ? TRANSPORT_RECEIVE : TLS_HANDSHAKE_RECEIVE;
    ssize_t n = recv(tls->fd, s->received, room, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return ST_AGAIN;
    tls->base.is_timed_out = n < 0 && errno == ETIMEDOUT;
    if (n <= 0)
        return ended(tls, n == 0 ? ST_CLOSED : ST_IO);
    if (!tls->saw_first_byte && s->received[0] != TLS_RECORD_HANDSHAKE) {
        tls->is_broken = true; /* no alert either: such a client could not read it */
        tls->base.is_plain_text = true;
        return ST_MALFORMED;
    }
    tls->saw_first_byte = true;
    tls->in = slice_make(s->received, (size_t)n);
    return tls->base.is_established ? ST_OK : judge_handshake(tls);
}

static enum status tls_read(struct transport *t, struct transport_scratch *s, uint8_t *out,
                            size_t room, size_t *len)
{
    struct transport_tls *tls = (struct transport_tls *)t;
    enum status st;

    *len = 0;
    invariant(room >= TRANSPORT_READ_ROOM);
    if (tls->is_broken)
        return ST_CLOSED;
    st = receive(tls, s);
    if (st != ST_OK)
        return st;
    tls->out = &s->to_send;
    for (;;) {
        size_t got = 0;
        int result = SSL_read_ex(tls->ssl, out + *len, room - *len, &got);

        if (result == 1) {
            *len += got;
            continue;
        }
        st = tls->is_broken ? ST_MALFORMED : ssl_failure(tls, result);
        break;
    }
    if (*len > 0)
        tls->key_updates = 0;
    invariant(st != ST_AGAIN || tls->in.len == 0);
    t->is_established = SSL_is_init_finished(tls->ssl);
    if (s->to_send.len > 0 && (st == ST_AGAIN || st == ST_CLOSED || st == ST_MALFORMED)) {
        enum status sent = send_gathered(tls, &s->to_send); /* handshake, alerts, tickets */

        if (sent == ST_IO)
            st = ST_IO;
    }
    tls->in = slice_make(NULL, 0);
    if (st == ST_CLOSED && *len > 0) { /* shows again at the next read, for which the socket must be
                                          ready even if the peer keeps it open */
        shutdown(tls->fd, SHUT_RD);
        return ST_OK;
    }
    if (st == ST_AGAIN)
        return ST_OK;
    return st;
}

static enum status tls_write(struct transport *t, struct transport_scratch *s,
                             const struct iovec *iov, int count, size_t *written)
{
    struct transport_tls *tls = (struct transport_tls *)t;
    enum status st = send_unsent(tls);

    *written = 0;
    if (st != ST_OK || !t->is_established)
        return st == ST_OK ? ST_AGAIN : st;
    if (tls->is_broken)
        return ST_CLOSED;
    tls->out = &s->to_send;
    for (int i = 0; i < count; i++) {
        struct slice rest = slice_make(iov[i].iov_base, iov[i].iov_len);

        while (rest.len > 0) { /* several records when the peer has asked for short ones */
            size_t taken = 0;
            int result = SSL_write_ex(tls->ssl, rest.data, rest.len, &taken);

            if (result != 1) {
                s->to_send.len = 0; /* the BIO takes everything: there is nothing to wait for */
                (void)ssl_failure(tls, result);
                return ST_IO;
            }
            *written += taken;
            rest = slice_from(rest, taken);
        }
        if (s->to_send.len < TLS_SEND_AT)
            continue;
        st = send_gathered(tls, &s->to_send);
        if (st != ST_OK)
            return st;
    }
    return s->to_send.len == 0 ? ST_OK : send_gathered(tls, &s->to_send);
}

static void tls_close(struct transport *t, struct transport_scratch *s)
{
    struct transport_tls *tls = (struct transport_tls *)t;

    if (t->is_established && !tls->is_broken && !t->has_unsent) {
        tls->out = &s->to_send;
        SSL_shutdown(tls->ssl);
        (void)send_gathered(tls,
                            &s->to_send); /* close_notify: a courtesy, the socket may be gone */
    }
    ERR_clear_error();
    s->to_send.len = 0;
    SSL_free(tls->ssl);
    buffer_deinit(&tls->unsent);
    mem_free(tls);
}

static const struct transport_ops tls_ops = {tls_read, tls_write, tls_close};

struct transport *transport_tls_new(int fd, struct ssl_st **ssl)
{
    struct transport_tls *tls = mem_new_of(MEM_CONN, struct transport_tls);
    BIO *bio;

    pthread_once(&bio_method_once, make_bio_method);
    bio = BIO_new(bio_method);
    invariant(bio != NULL);
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    tls->base.ops = &tls_ops;
    tls->fd = fd;
    tls->ssl = *ssl;
    *ssl = NULL;
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_info_callback(tls->ssl, on_info);
    return &tls->base;
}
