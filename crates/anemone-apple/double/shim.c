/* What objc2 asks of an Objective-C runtime and gcc's libobjc does not export, in plain C. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

extern const char *sel_getName(void *selector);

/* A function in the headers of gcc's runtime, and so not in the library. */
void *object_getClass(void *object) { return object ? *(void **)object : NULL; }

/* The layout of a method in gcc's runtime. */
struct method {
    void *name;
    const char *types;
    void *implementation;
};

/* A type string as clang would write it: qualifiers are dropped, which gcc puts inside of pointers (`^rv` for `r^v`). */
static char *without_qualifiers(const char *types)
{
    char *clean = malloc(strlen(types) + 1), *to = clean;
    int in_name = 0; /* between `{` or `(` and `=` or the end */
    for (const char *from = types; *from; from++) {
        if (*from == '{' || *from == '(') in_name = 1;
        else if (in_name && strchr("=})", *from)) in_name = 0;
        if (in_name || !strchr("rnNoORV", *from)) *to++ = *from;
    }
    *to = 0;
    return clean;
}

static char *as_clang_writes(const char *types, const char *selector)
{
    /* gcc has no blocks: the double declares a pointer. */
    if (!strcmp(selector, "setCompletionHandler:")) return strdup("v24@0:8@?16");
    char *clean = without_qualifiers(types);
    /* An unsigned enumeration is `I` to gcc and `i` to clang: NSStringEncoding. */
    if (strstr(selector, "ncoding:") || strstr(selector, "UsingEncoding"))
        for (char *at = clean; *at; at++)
            if (*at == 'I') *at = 'i';
    return clean;
}

/* Strings that were handed out are kept: callers think that they belong to the method. */
const char *method_getTypeEncoding(void *method)
{
    enum { BUCKETS = 1024 };
    static struct known {
        void *method;
        char *types;
        struct known *next;
    } *table[BUCKETS];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (!method) return NULL;
    struct method *m = method;
    struct known **bucket = &table[((size_t)method >> 4) % BUCKETS], *found;
    pthread_mutex_lock(&lock);
    for (found = *bucket; found && found->method != method; found = found->next) {}
    if (!found) {
        found = malloc(sizeof *found);
        *found = (struct known){method, as_clang_writes(m->types, sel_getName(m->name)), *bucket};
        *bucket = found;
    }
    pthread_mutex_unlock(&lock);
    return found->types;
}
