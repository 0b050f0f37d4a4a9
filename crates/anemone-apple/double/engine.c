/* Finds the library that computes. */
#include "engine.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>

static struct engine functions;
static const char *failure;

static void *function(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (!found) failure = name;
    return found;
}

static void find(void)
{
    const char *path = getenv("ANEMONE_DOUBLE_ENGINE");
    if (!path) {
        failure = "ANEMONE_DOUBLE_ENGINE does not name libanemone_double.so, which `cargo build -p anemone-double` makes";
        return;
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        failure = dlerror();
        return;
    }
    functions = (struct engine){
        .load = function(library, "anemone_double_load"),
        .free = function(library, "anemone_double_free"),
        .functions = function(library, "anemone_double_functions"),
        .function_name = function(library, "anemone_double_function_name"),
        .ports = function(library, "anemone_double_ports"),
        .port = function(library, "anemone_double_port"),
        .evaluate = function(library, "anemone_double_evaluate"),
    };
}

const struct engine *engine(const char **why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find);
    if (failure) *why = failure;
    return failure ? NULL : &functions;
}
