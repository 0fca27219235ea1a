/* libFuzzer's entry points of a target that plays scripts with its `cast`; included once, behind
 * that. */
#pragma once

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    script_prepare();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    script_run(&cast, input, len);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *input, size_t len, size_t room, unsigned seed)
{
    return script_mutate(input, len, room, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len,
                                 uint8_t *out, size_t room, unsigned seed)
{
    return script_cross(a, a_len, b, b_len, out, room, seed);
}
