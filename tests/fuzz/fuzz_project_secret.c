/*
 * project_secret.h: any text is read as a definition, or refused with a line that says why; what is
 * read keeps its bounds.
 */
#include "platform/project_secret.h"

#include "base/invariant.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t before = mem_bytes_used_total();
    char error[PROJECT_SECRET_ERROR_MAX];
    struct project_secret *s;
    enum status st;

    invariant(secret_init() == ST_OK);
    st = project_secret_parse("main", slice_of("text"), slice_make(data, size), &s, error);
    invariant((st == ST_OK) == (s != NULL) && (st == ST_OK) == (error[0] == '\0'));
    if (s != NULL) {
        invariant(s->scopes != 0 && (s->scopes & ~SCOPES_ALL) == 0 && s->expires_ms >= 0);
        invariant(s->range_count <= PROJECT_SECRET_RANGES_MAX);
        (void)project_secret_allows_address(s, slice_of("192.0.2.1"));
        (void)project_secret_allows_address(s, slice_of("2001:db8::1"));
    }
    project_secret_unref(&s);
    invariant(mem_bytes_used_total() == before);
    return 0;
}
