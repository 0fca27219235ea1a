/*
 * Makes the local CA and the server certificate below `<data>/tls`, and renews the latter.
 *
 * What stands there is read first; what is missing is made around it, so a start that was cut
 * off goes on where it stopped: keys are written before their certificates, each file in one
 * step (written beside, synced, renamed). A renewed certificate keeps its key, so the pair fits
 * at every moment. A certificate counts as ours when our CA has signed it and it bears our name;
 * without the CA's key nothing is renewed, as somebody keeps it elsewhere. Runs at start, on the
 * main thread.
 */
#include "net/tls_local_ca.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "net/tls_error.h"

enum {
    DAY_S = 24 * 60 * 60,
    CA_DAYS = 10 * 365,
    SERVER_DAYS = 397,     /* what browsers take at most from public CAs */
    RENEW_DAYS = 30,       /* so long before its end a certificate is made anew */
    BACKDATED_S = 60 * 60, /* for devices whose clocks are slow */
    SERIAL_BITS = 127,     /* positive, at most 20 bytes: RFC 5280 section 4.1.2.2 */
    COMMON_NAME_MAX = 64,  /* RFC 5280, ub-common-name */
    HOST_MAX = 253         /* RFC 1035 */
};

#define ORGANIZATION "EZtCloud Open"
#define SERVER_NAME  "EZtCloud Open server"

/* X(NAME, file, mode) */
#define FILE_LIST(X)                   \
    X(CA_CERT, "ca.pem", 0644)         \
    X(CA_KEY, "ca.key", 0600)          \
    X(SERVER_CERT, "server.pem", 0644) \
    X(SERVER_KEY, "server.key", 0600)

enum file_id {
#define X(name, text, mode) FILE_##name,
    FILE_LIST(X)
#undef X
};

static const struct file_rule {
    const char *name;
    mode_t mode;
} files[] = {
#define X(name, text, mode) [FILE_##name] = {text, mode},
    FILE_LIST(X)
#undef X
};

/* The folder as it was found and as it becomes. */
struct local_ca {
    const char *dir;         /* borrowed, as the next two */
    const char *public_host; /* "" when there is none */
    char *error;
    size_t error_len;
    X509 *ca_cert; /* owned, as those below; NULL while it does not exist */
    EVP_PKEY *ca_key;
    X509 *server_cert;
    EVP_PKEY *server_key;
};

#define ca_error(l, st, ...) tls_error_set((l)->error, (l)->error_len, (st), __VA_ARGS__)

static enum status openssl_failed(const struct local_ca *l, const char *doing)
{
    return ca_error(l, ST_IO,
                    "%s: %s failed in OpenSSL (%s): see whether its installation is whole", l->dir,
                    doing, tls_error_reason());
}

static time_t now_s(void)
{
    return (time_t)(clock_unix_ms() / 1000);
}

static enum status make_path(const struct local_ca *l, enum file_id id, const char *ending,
                             char out[PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%s/%s%s", l->dir, files[id].name, ending);

    if (len < 0 || len >= PATH_MAX)
        return ca_error(l, ST_INVALID, "the path %s is too long: choose a shorter data directory",
                        l->dir);
    return ST_OK;
}

static enum status make_dir(const struct local_ca *l)
{
    if (mkdir(l->dir, 0700) == 0 || errno == EEXIST)
        return ST_OK;
    return ca_error(l, ST_IO, "the directory %s cannot be made (%s): see to the one above it",
                    l->dir, strerror(errno));
}

/* Reads a certificate or a key, whichever of the two is asked for; none at all is no failure. */
static enum status read_file(const struct local_ca *l, enum file_id id, X509 **cert, EVP_PKEY **key)
{
    char path[PATH_MAX];
    char no_passphrase[] = "";
    FILE *file;
    enum status st = make_path(l, id, "", path);

    if (st != ST_OK)
        return st;
    file = fopen(path, "re");
    if (file == NULL && errno == ENOENT)
        return ST_OK;
    if (file == NULL)
        return ca_error(l, ST_IO, "%s cannot be read (%s): this user needs the right to", path,
                        strerror(errno));
    if (cert != NULL)
        *cert = PEM_read_X509(file, NULL, NULL, NULL);
    else
        *key = PEM_read_PrivateKey(file, NULL, NULL, no_passphrase);
    (void)fclose(file);
    if ((cert != NULL ? (void *)*cert : (void *)*key) == NULL)
        return ca_error(l, ST_INVALID,
                        "%s is no %s in PEM that can be used (%s): put a good one "
                        "there, or remove it",
                        path, cert != NULL ? "certificate" : "key without a passphrase",
                        tls_error_reason());
    return ST_OK;
}

static enum status read_files(struct local_ca *l)
{
    enum status st = read_file(l, FILE_CA_CERT, &l->ca_cert, NULL);

    if (st == ST_OK)
        st = read_file(l, FILE_CA_KEY, NULL, &l->ca_key);
    if (st == ST_OK)
        st = read_file(l, FILE_SERVER_CERT, &l->server_cert, NULL);
    if (st == ST_OK)
        st = read_file(l, FILE_SERVER_KEY, NULL, &l->server_key);
    return st;
}

static bool write_all(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.data, text.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        text = slice_from(text, (size_t)n);
    }
    return fsync(fd) == 0;
}

/* A renamed file lasts only when its directory has been synced. */
static bool sync_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* Puts a file in place in one step; readers see the old one, none, or the whole new one. */
static enum status write_file(const struct local_ca *l, enum file_id id, struct slice text)
{
    char path[PATH_MAX];
    char beside[PATH_MAX];
    bool ok;
    int fd;

    if (make_path(l, id, "", path) != ST_OK || make_path(l, id, ".new", beside) != ST_OK)
        return ST_INVALID;
    (void)unlink(beside); /* of a start that was cut off */
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, files[id].mode);
    ok = fd >= 0 && write_all(fd, text);
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    if (ok && rename(beside, path) == 0 && sync_dir(l->dir))
        return ST_OK;
    ca_error(l, ST_IO, "%s cannot be written (%s): this user needs the right to, and space", path,
             strerror(errno));
    (void)unlink(beside);
    return ST_IO;
}

static enum status write_key(const struct local_ca *l, enum file_id id, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    enum status st;
    char *text;
    long len;

    if (bio == NULL || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        st = openssl_failed(l, "writing a key");
    } else {
        len = BIO_get_mem_data(bio, &text);
        st = write_file(l, id, slice_make(text, (size_t)len));
    }
    BIO_free(bio);
    return st;
}

/* Writes a certificate and, when there is one, its issuer behind it. */
static enum status write_cert(const struct local_ca *l, enum file_id id, X509 *cert, X509 *issuer)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum status st;
    char *text;
    long len;

    if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1 ||
        (issuer != NULL && PEM_write_bio_X509(bio, issuer) != 1)) {
        st = openssl_failed(l, "writing a certificate");
    } else {
        len = BIO_get_mem_data(bio, &text);
        st = write_file(l, id, slice_make(text, (size_t)len));
    }
    BIO_free(bio);
    return st;
}

/* A key that does not exist yet is made and written. */
static enum status ensure_key(const struct local_ca *l, enum file_id id, EVP_PKEY **key)
{
    if (*key != NULL)
        return ST_OK;
    *key = EVP_EC_gen("P-256");
    if (*key == NULL)
        return openssl_failed(l, "making a key");
    return write_key(l, id, *key);
}

/* X.509 version 3 extensions, in the notation of OpenSSL's configuration. */
struct extension {
    int nid;
    const char *value;
};

/* What a certificate that is to be made says. */
struct plan {
    const char *common_name;
    int days;
    X509 *issuer; /* borrowed, as the keys; NULL: signs itself */
    EVP_PKEY *issuer_key;
    EVP_PKEY *key;
    const struct extension *extensions; /* ended by nid 0 */
};

static bool set_serial(X509 *cert)
{
    BIGNUM *serial = BN_new();
    bool ok = serial != NULL &&
              BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL;

    BN_free(serial);
    return ok;
}

static bool set_names(X509 *cert, const struct plan *p)
{
    X509_NAME *subject = X509_get_subject_name(cert);

    return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                                      (const unsigned char *)ORGANIZATION, -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                      (const unsigned char *)p->common_name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, p->issuer == NULL ? subject
                                                        : X509_get_subject_name(p->issuer)) == 1;
}

/* From a little while ago on; never longer than the issuer. */
static bool set_times(X509 *cert, const struct plan *p)
{
    time_t start = now_s() - BACKDATED_S;
    time_t end = start + (time_t)p->days * DAY_S;

    if (ASN1_TIME_set(X509_getm_notBefore(cert), start) == NULL)
        return false;
    if (p->issuer != NULL && X509_cmp_time(X509_get0_notAfter(p->issuer), &end) < 0)
        return X509_set1_notAfter(cert, X509_get0_notAfter(p->issuer)) == 1;
    return ASN1_TIME_set(X509_getm_notAfter(cert), end) != NULL;
}

static bool add_extensions(X509 *cert, const struct plan *p)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, p->issuer == NULL ? cert : p->issuer, cert, NULL, NULL, 0);
    for (const struct extension *e = p->extensions; e->nid != 0; e++) {
        X509_EXTENSION *made = X509V3_EXT_conf_nid(NULL, &context, e->nid, e->value);
        bool ok = made != NULL && X509_add_ext(cert, made, -1) == 1;

        X509_EXTENSION_free(made);
        if (!ok)
            return false;
    }
    return true;
}

static enum status make_cert(const struct local_ca *l, const struct plan *p, X509 **out)
{
    X509 *cert = X509_new();

    if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
        !set_names(cert, p) || !set_times(cert, p) || X509_set_pubkey(cert, p->key) != 1 ||
        !add_extensions(cert, p) || X509_sign(cert, p->issuer_key, EVP_sha256()) == 0) {
        X509_free(cert);
        return openssl_failed(l, "making a certificate");
    }
    X509_free(*out);
    *out = cert;
    return ST_OK;
}

/* The host's own name, or "" when it has none that can stand in a certificate. */
static void get_host_name(char out[HOST_MAX + 1])
{
    if (gethostname(out, HOST_MAX + 1) != 0)
        out[0] = '\0';
    out[HOST_MAX] = '\0';
    for (const char *c = out; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.') {
            out[0] = '\0';
            return;
        }
    }
}

static bool is_address(const char *host)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    bool is = address != NULL;

    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return is;
}

/* Names go into OpenSSL's notation, so only what can be a name or an address is let through. */
static enum status check_public_host(const struct local_ca *l)
{
    size_t len = strlen(l->public_host);
    bool ok = len <= HOST_MAX && strchr(".-", l->public_host[0]) == NULL;

    if (len == 0 || is_address(l->public_host))
        return ST_OK;
    ok = ok && l->public_host[len - 1] != '.';
    for (size_t i = 0; i < len && ok; i++)
        ok = isalnum((unsigned char)l->public_host[i]) || strchr("-._", l->public_host[i]) != NULL;
    if (ok)
        return ST_OK;
    return ca_error(l, ST_INVALID,
                    "the public host '%.253s' is neither a host name nor an IP address: give it "
                    "without scheme, port and brackets",
                    l->public_host);
}

static enum status ensure_ca(struct local_ca *l)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {0, NULL},
    };
    char host[HOST_MAX + 1];
    char name[COMMON_NAME_MAX + 1];
    time_t now = now_s();
    enum status st;

    if (l->ca_cert != NULL && l->ca_key == NULL)
        return ca_error(l, ST_NOT_FOUND,
                        "%s/ca.key does not exist, so no server certificate can be made: put it "
                        "back, or your own server.pem and server.key beside ca.pem",
                        l->dir);
    if (l->ca_cert != NULL && X509_check_private_key(l->ca_cert, l->ca_key) != 1) {
        ERR_clear_error();
        return ca_error(l, ST_INVALID,
                        "%s/ca.key does not belong to ca.pem: put the right one back, or remove "
                        "both to have a new CA made, which clients must then be given",
                        l->dir);
    }
    if (l->ca_cert != NULL && X509_cmp_time(X509_get0_notAfter(l->ca_cert), &now) < 0)
        return ca_error(l, ST_INVALID,
                        "%s/ca.pem has ended: remove it and ca.key to have a new CA made, which "
                        "clients must then be given",
                        l->dir);
    st = ensure_key(l, FILE_CA_KEY, &l->ca_key);
    if (st != ST_OK || l->ca_cert != NULL)
        return st;
    get_host_name(host);
    (void)snprintf(name, sizeof(name), ORGANIZATION " CA%s%.44s", host[0] == '\0' ? "" : " of ",
                   host);
    st = make_cert(l,
                   &(struct plan){.common_name = name,
                                  .days = CA_DAYS,
                                  .issuer_key = l->ca_key,
                                  .key = l->ca_key,
                                  .extensions = extensions},
                   &l->ca_cert);
    return st == ST_OK ? write_cert(l, FILE_CA_CERT, l->ca_cert, NULL) : st;
}

/* The names of the server certificate, in OpenSSL's notation; the caller frees the buffer. */
static struct buffer alternative_names(const struct local_ca *l)
{
    struct buffer b = {0};
    char host[HOST_MAX + 1];

    buffer_append_text(&b, "DNS:localhost,IP:127.0.0.1,IP:::1");
    get_host_name(host);
    if (host[0] != '\0' && strcmp(host, "localhost") != 0)
        buffer_printf(&b, ",%s:%s", is_address(host) ? "IP" : "DNS", host);
    if (l->public_host[0] != '\0' && strcmp(l->public_host, host) != 0 &&
        strcmp(l->public_host, "localhost") != 0)
        buffer_printf(&b, ",%s:%s", is_address(l->public_host) ? "IP" : "DNS", l->public_host);
    buffer_append_u8(&b, 0);
    return b;
}

/* Makes server.pem anew, for the key that is there or a new one. */
static enum status make_server(struct local_ca *l)
{
    struct buffer names = alternative_names(l);
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {NID_subject_alt_name, (const char *)names.data},
        {0, NULL},
    };
    enum status st = ensure_key(l, FILE_SERVER_KEY, &l->server_key);

    if (st == ST_OK)
        st = make_cert(l,
                       &(struct plan){.common_name = SERVER_NAME,
                                      .days = SERVER_DAYS,
                                      .issuer = l->ca_cert,
                                      .issuer_key = l->ca_key,
                                      .key = l->server_key,
                                      .extensions = extensions},
                       &l->server_cert);
    if (st == ST_OK)
        st = write_cert(l, FILE_SERVER_CERT, l->server_cert, l->ca_cert);
    buffer_deinit(&names);
    return st;
}

/* True when we have made server.pem and can do so again. */
static bool can_renew(const struct local_ca *l)
{
    time_t now = now_s();
    char name[COMMON_NAME_MAX + 1];
    bool can;

    if (l->ca_cert == NULL || l->ca_key == NULL)
        return false;
    can = X509_NAME_get_text_by_NID(X509_get_subject_name(l->server_cert), NID_commonName, name,
                                    sizeof(name)) > 0 &&
          strcmp(name, SERVER_NAME) == 0 &&
          X509_verify(l->server_cert, X509_get0_pubkey(l->ca_cert)) == 1 &&
          X509_check_private_key(l->ca_cert, l->ca_key) == 1 &&
          X509_cmp_time(X509_get0_notAfter(l->ca_cert), &now) > 0;
    ERR_clear_error();
    return can;
}

/* True when server.pem is about to end or is not for the public host. */
static bool is_outdated(const struct local_ca *l)
{
    time_t soon = now_s() + (time_t)RENEW_DAYS * DAY_S;
    const char *host = l->public_host;

    if (X509_cmp_time(X509_get0_notAfter(l->server_cert), &soon) < 0)
        return true;
    if (host[0] == '\0')
        return false;
    return is_address(host) ? X509_check_ip_asc(l->server_cert, host, 0) != 1
                            : X509_check_host(l->server_cert, host, 0, 0, NULL) != 1;
}

static enum status ensure(struct local_ca *l)
{
    enum status st = check_public_host(l);

    if (st == ST_OK)
        st = make_dir(l);
    if (st == ST_OK)
        st = read_files(l);
    if (st != ST_OK)
        return st;
    if (l->server_cert != NULL && l->server_key == NULL)
        return ca_error(l, ST_NOT_FOUND,
                        "%s/server.key does not exist: put the key of server.pem there, or remove "
                        "server.pem to have both made",
                        l->dir);
    if (l->server_cert != NULL)
        return can_renew(l) && is_outdated(l) ? make_server(l) : ST_OK;
    st = ensure_ca(l);
    return st == ST_OK ? make_server(l) : st;
}

enum status tls_local_ca_ensure(const char *tls_dir, const char *public_host, char *error,
                                size_t error_len)
{
    struct local_ca l = {.dir = tls_dir,
                         .public_host = public_host == NULL ? "" : public_host,
                         .error = error,
                         .error_len = error_len};
    enum status st;

    ERR_clear_error();
    st = ensure(&l);
    X509_free(l.ca_cert);
    X509_free(l.server_cert);
    EVP_PKEY_free(l.ca_key);
    EVP_PKEY_free(l.server_key);
    return st;
}
