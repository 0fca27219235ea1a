/*
 * argon2id through libsodium, one at a time.
 */
#include "store/secret_password.h"

#include <pthread.h>
#include <sodium.h>

#include "base/invariant.h"
#include "base/utf8.h"

_Static_assert(crypto_pwhash_STRBYTES <= SECRET_PASSWORD_HASH_MAX + 1, "its text has room");

enum {
    OPERATIONS = crypto_pwhash_OPSLIMIT_INTERACTIVE,
    MEMORY = crypto_pwhash_MEMLIMIT_INTERACTIVE
};

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

bool secret_password_is_valid(struct slice password)
{
    if (password.len < SECRET_PASSWORD_MIN || password.len > SECRET_PASSWORD_MAX ||
        !utf8_is_text(password))
        return false;
    for (size_t i = 0; i < password.len; i++) {
        if (password.data[i] < 0x20 || password.data[i] == 0x7F)
            return false;
    }
    return true;
}

enum status secret_password_hash(struct slice password, char out[SECRET_PASSWORD_HASH_MAX + 1])
{
    int result;

    invariant(pthread_mutex_lock(&one_at_a_time) == 0);
    result = crypto_pwhash_str_alg(out, (const char *)password.data, password.len, OPERATIONS,
                                   MEMORY, crypto_pwhash_ALG_ARGON2ID13);
    invariant(pthread_mutex_unlock(&one_at_a_time) == 0);
    return result == 0 ? ST_OK : ST_IO;
}

bool secret_password_verify(const char *hash, struct slice password)
{
    char other[SECRET_PASSWORD_HASH_MAX + 1];
    bool is_right;

    if (password.len > SECRET_PASSWORD_MAX) /* none of ours is so long */
        return false;
    if (hash == NULL) {
        enum status st = secret_password_hash(password, other);

        (void)st; /* the time that it takes is all that it is for */
        return false;
    }
    invariant(pthread_mutex_lock(&one_at_a_time) == 0);
    is_right = crypto_pwhash_str_verify(hash, (const char *)password.data, password.len) == 0;
    invariant(pthread_mutex_unlock(&one_at_a_time) == 0);
    return is_right;
}
