/* The functions of `libanemone_double.so`, the crate `anemone-double`, whose module `ffi` documents them. */
#ifndef ANEMONE_ENGINE_H
#define ANEMONE_ENGINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_RANK = 5 };

struct engine_port {
    const char *name, *dtype;
    size_t size, rank, dims[MAX_RANK];
    bool is_read;
};

struct engine_memory {
    uint8_t *base;
    size_t bytes, strides[MAX_RANK];
};

struct engine {
    void *(*load)(const char *folder, const char *architecture, char *error, size_t room);
    void (*free)(void *program);
    size_t (*functions)(const void *program);
    const char *(*function_name)(const void *program, size_t function);
    size_t (*ports)(const void *program, size_t function, bool outputs);
    struct engine_port (*port)(const void *program, size_t function, bool outputs, size_t at);
    bool (*evaluate)(const void *program, size_t function, const struct engine_memory *inputs,
                     const struct engine_memory *outputs, char *error, size_t room);
};

/* The functions, from the library that the environment variable `ANEMONE_DOUBLE_ENGINE` names; `NULL` if there is none, and
   then why. */
const struct engine *engine(const char **why);
#endif
