/*
 * What must hold of everything that the decoders accept; each failure ends the process.
 */
#pragma once

#include "mqtt/packet.h"
#include "mqtt/property.h"

/** The part lies inside the whole. */
void codec_check_inside(struct slice part, struct slice whole);

/** The part lies inside the whole and is text. */
void codec_check_text(struct slice part, struct slice whole);

/** Each present member lies inside the whole and is in its range; user properties can be walked. */
void codec_check_properties(const struct property_set *p, struct slice whole);

/** Both sets say the same, user properties in the same order. */
void codec_check_same_properties(const struct property_set *a, const struct property_set *b);

/** What goes on to subscribers is what came, without the rest. */
void codec_check_forwarded(const struct property_set *p);

/** What was written anew fitted and is as long as what it came from; gives it. */
struct slice codec_check_rebuilt(const struct writer *w, size_t len);
