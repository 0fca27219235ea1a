/*
 * Identifiers as numbers in base 62, and random ones.
 *
 * Randomness is asked of the kernel each time: identifiers and secrets are made rarely, and
 * nothing of them stays in a buffer.
 */
#include "base/ident.h"

#include <sys/random.h>

#include "base/invariant.h"

enum { BASE = 62, PREFIX_LEN = 3 };

static const char alphabet[BASE + 1] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* `numbers`: how many there are, 62 to the number of digits; random numbers are made of `bits`. */
static const struct kind {
    char prefix[PREFIX_LEN + 1];
    size_t text_len;
    uint64_t numbers;
    unsigned bits;
} kinds[] = {
    [IDENT_PROJECT] = {"PR_", IDENT_TEXT_LEN, UINT64_C(839299365868340224), 60},
    [IDENT_DEVICE] = {"DU_", IDENT_TEXT_LEN, UINT64_C(839299365868340224), 60},
    [IDENT_RULE] = {"AL_", IDENT_TEXT_LEN, UINT64_C(839299365868340224), 60},
    [IDENT_TYPE] = {"PK_", IDENT_TYPE_TEXT_LEN, UINT64_C(916132832), 30},
};

/* A digit's place in the alphabet, counted from 1; 0: none. A table, because the digits are random
 * and comparisons would be predicted wrongly: identifiers are parsed once a message. */
static const uint8_t digit_places[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    ['G'] = 17, ['H'] = 18, ['I'] = 19, ['J'] = 20, ['K'] = 21, ['L'] = 22, ['M'] = 23, ['N'] = 24,
    ['O'] = 25, ['P'] = 26, ['Q'] = 27, ['R'] = 28, ['S'] = 29, ['T'] = 30, ['U'] = 31, ['V'] = 32,
    ['W'] = 33, ['X'] = 34, ['Y'] = 35, ['Z'] = 36, ['a'] = 37, ['b'] = 38, ['c'] = 39, ['d'] = 40,
    ['e'] = 41, ['f'] = 42, ['g'] = 43, ['h'] = 44, ['i'] = 45, ['j'] = 46, ['k'] = 47, ['l'] = 48,
    ['m'] = 49, ['n'] = 50, ['o'] = 51, ['p'] = 52, ['q'] = 53, ['r'] = 54, ['s'] = 55, ['t'] = 56,
    ['u'] = 57, ['v'] = 58, ['w'] = 59, ['x'] = 60, ['y'] = 61, ['z'] = 62,
};

uint64_t ident_parse(enum ident_kind kind, struct slice text)
{
    const struct kind *k = &kinds[kind];
    uint64_t number = 0;
    bool valid = true;

    if (text.len != k->text_len || memcmp(text.data, k->prefix, PREFIX_LEN) != 0)
        return 0;
    for (size_t i = PREFIX_LEN; i < text.len; i++) {
        unsigned place = digit_places[text.data[i]];

        valid &= place != 0;
        number = number * BASE + place - 1;
    }
    return valid ? number + 1 : 0;
}

void ident_format(enum ident_kind kind, uint64_t id, char out[IDENT_TEXT_LEN + 1])
{
    const struct kind *k = &kinds[kind];
    uint64_t number = id - 1;

    invariant(ident_is_valid(kind, id));
    memcpy(out, k->prefix, PREFIX_LEN);
    for (size_t i = k->text_len; i-- > PREFIX_LEN; number /= BASE)
        out[i] = alphabet[number % BASE];
    out[k->text_len] = '\0';
}

bool ident_is_valid(enum ident_kind kind, uint64_t id)
{
    return id != 0 && id <= kinds[kind].numbers;
}

static void random_bytes(void *out, size_t len)
{
    /* The kernel gives up to 256 bytes whole and without interruption. */
    invariant(len <= 256 && getrandom(out, len, 0) == (ssize_t)len);
}

uint64_t ident_random(enum ident_kind kind)
{
    uint64_t number;

    do {
        random_bytes(&number, sizeof(number));
        number >>= 64 - kinds[kind].bits; /* so that most are below the bound */
    } while (number >= kinds[kind].numbers);
    return number + 1;
}

void ident_random_text(char *out, size_t len)
{
    enum { FAIR = 256 - 256 % BASE }; /* a byte from here on would favour the first digits */
    uint8_t random[64];
    size_t done = 0;

    while (done < len) {
        random_bytes(random, sizeof(random));
        for (size_t i = 0; i < sizeof(random) && done < len; i++) {
            if (random[i] < FAIR)
                out[done++] = alphabet[random[i] % BASE];
        }
    }
    out[len] = '\0';
    explicit_bzero(random, sizeof(random));
}

bool ident_is_member(struct slice text)
{
    if (text.len == 0 || text.len > IDENT_MEMBER_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (digit_places[c] == 0 && c != '_' && c != '-')
            return false;
    }
    return true;
}
