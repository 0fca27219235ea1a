/*
 * Walks through a checked JSON text, level by level, without a copy and without a list of what was
 * found: for payloads that hold many things at several levels.
 *
 * A walk borrows the text and the parser that checked it last; both stay as they are until it is
 * over. Any number of walks go on at once.
 */
#pragma once

#include "base/json.h"

enum { JSON_WALK_KEY_MAX = 255 /* bytes of a key that is written with escapes */ };

struct json_walk {
    const uint8_t *text;    /* borrowed, as all pointers here */
    const uint32_t *places; /* of the structural characters */
    uint32_t next;          /* the one before which it stands; 0: over */
    bool is_object;
    char room[JSON_WALK_KEY_MAX + 1]; /* a key without its escapes */
};

/**
 * Stands before the first member of a value of the text that `p` checked last.
 *
 * @param value  an object or array: the text itself or a member of a walk; anything else has no
 *               members
 */
void json_walk_start(struct json_walk *w, const struct json_parser *p, struct slice value);

/**
 * The next member of the object, or element of the array (its key is empty). False: there is none.
 *
 * @param m  its key lasts until the next step of this walk; one with escapes that is longer than
 *           JSON_WALK_KEY_MAX is given with them
 */
bool json_walk_next(struct json_walk *w, struct json_member *m);
