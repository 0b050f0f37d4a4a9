/* The switches, the counts, and the errors that both make. */
#import "double.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const NAMES[NUMBERS] = {
    "stale", "gate", "plane_padding", "compile_delay", "completion_delay", "has_ane", "engines", "cores", "board",
    "virtual_machine", "internal_build", "cached", "loaded", "mapped", "in_flight", "most_in_flight", "qos", "load_mask",
    "evaluate_mask", "faults"};
#define AT_FIRST {[HAS_ANE] = 1, [ENGINES] = 1, [CORES] = 16, [BOARD] = 272}
static const long FIRST[NUMBERS] = AT_FIRST;
static long numbers[NUMBERS] = AT_FIRST;

long get(enum number n) { return __atomic_load_n(&numbers[n], __ATOMIC_SEQ_CST); }
void set(enum number n, long value) { __atomic_store_n(&numbers[n], value, __ATOMIC_SEQ_CST); }
long add(enum number n, long value) { return __atomic_add_fetch(&numbers[n], value, __ATOMIC_SEQ_CST); }

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Counts by name. Names are few, so a list does. */
struct count {
    struct count *next;
    long value;
    char name[];
};
static struct count *messages, *objects;

static struct count *counted(struct count **list, const char *name)
{
    struct count *found = *list;
    while (found && strcmp(found->name, name)) found = found->next;
    if (!found) {
        found = calloc(1, sizeof *found + strlen(name) + 1);
        strcpy(found->name, name);
        found->next = *list;
        *list = found;
    }
    return found;
}

/* What was told to fail, the oldest first. */
struct told {
    struct told *next, *underlying;
    char *selector, *domain, *text;
    int how;
    long code;
};
static struct told *told;

static struct told *new_told(const char *selector, int how, const char *domain, long code, const char *text)
{
    struct told *t = calloc(1, sizeof *t);
    *t = (struct told){.selector = strdup(selector), .domain = strdup(domain), .text = strdup(text), .how = how, .code = code};
    return t;
}

static void free_told(struct told *t)
{
    if (!t) return;
    free_told(t->underlying);
    free(t->selector), free(t->domain), free(t->text), free(t);
}

static struct told **last_told(void)
{
    struct told **at = &told;
    while (*at && (*at)->next) at = &(*at)->next;
    return at;
}

void double_fail_next(const char *selector, int how, const char *domain, long code, const char *text)
{
    pthread_mutex_lock(&lock);
    struct told **last = last_told();
    *(*last ? &(*last)->next : last) = new_told(selector, how, domain, code, text);
    pthread_mutex_unlock(&lock);
}

void double_underlying(const char *domain, long code, const char *text)
{
    pthread_mutex_lock(&lock);
    struct told **at = last_told();
    while (*at) at = &(*at)->underlying;
    *at = new_told("", DOUBLE_ERROR, domain, code, text);
    pthread_mutex_unlock(&lock);
}

static NSError *error_told(const struct told *t)
{
    NSMutableDictionary *info = [NSMutableDictionary dictionary];
    [info setObject: [NSString stringWithUTF8String: t->text] forKey: NSLocalizedDescriptionKey];
    if (t->underlying) [info setObject: error_told(t->underlying) forKey: UNDERLYING];
    return [NSError errorWithDomain: [NSString stringWithUTF8String: t->domain] code: t->code userInfo: info];
}

static struct told *take_told(const char *selector)
{
    pthread_mutex_lock(&lock);
    counted(&messages, selector)->value++;
    struct told **at = &told;
    while (*at && strcmp((*at)->selector, selector)) at = &(*at)->next;
    struct told *found = *at;
    if (found) *at = found->next;
    pthread_mutex_unlock(&lock);
    return found;
}

BOOL fails(const char *selector, NSError **error)
{
    struct told *found = take_told(selector);
    if (!found) return NO;
    NSString *name = [NSString stringWithUTF8String: found->domain], *reason = [NSString stringWithUTF8String: found->text];
    if (found->how == DOUBLE_ERROR && error) *error = error_told(found);
    int how = found->how;
    free_told(found);
    if (how == DOUBLE_EXCEPTION) [NSException raise: name format: @"%@", reason];
    if (how == DOUBLE_OBJECT) @throw reason;
    return YES;
}

void count_object(const char *class_name, long change)
{
    pthread_mutex_lock(&lock);
    counted(&objects, class_name)->value += change;
    pthread_mutex_unlock(&lock);
}

void fault(NSString *what)
{
    fprintf(stderr, "the double found a fault: %s\n", [what UTF8String]);
    add(FAULTS, 1);
}

long double_calls(const char *selector)
{
    pthread_mutex_lock(&lock);
    long value = counted(&messages, selector)->value;
    pthread_mutex_unlock(&lock);
    return value;
}

long double_live(const char *class_name)
{
    if (class_name && !strcmp(class_name, "IOSurface")) return IOSurfaceDoubleLive();
    long value = 0;
    pthread_mutex_lock(&lock);
    for (struct count *c = objects; c; c = c->next)
        if (!class_name || !strcmp(class_name, c->name)) value += c->value;
    pthread_mutex_unlock(&lock);
    return value;
}

static int number_named(const char *name)
{
    for (int i = 0; i < NUMBERS; i++)
        if (!strcmp(NAMES[i], name)) return i;
    fprintf(stderr, "the double has no number `%s`\n", name);
    abort();
}

void double_set(const char *name, long value)
{
    int i = number_named(name);
    if (i == STALE) {
        if (value) cache_set_stale();
    } else {
        set(i, value);
    }
}

long double_get(const char *name) { return get(number_named(name)); }

/* The texts and what they are at first. */
static struct {
    const char *name, *first;
    char *value;
} texts[] = {{"architecture", "h16g", NULL}, {"sub_type", "h16", NULL}, {"product", "macOS", NULL}, {"build", "25A000", NULL}};
enum { TEXTS = sizeof texts / sizeof *texts };

static int text_named(const char *name)
{
    for (int i = 0; i < TEXTS; i++)
        if (!strcmp(texts[i].name, name)) return i;
    fprintf(stderr, "the double has no text `%s`\n", name);
    abort();
}

void double_set_text(const char *name, const char *value)
{
    pthread_mutex_lock(&lock);
    char **at = &texts[text_named(name)].value;
    free(*at);
    *at = value ? strdup(value) : NULL;
    pthread_mutex_unlock(&lock);
}

NSString *text_switch(const char *name)
{
    int i = text_named(name);
    pthread_mutex_lock(&lock);
    /* For tests that do not know of switches. */
    const char *architecture = i ? NULL : getenv("ANEMONE_DOUBLE_ARCHITECTURE");
    const char *first = architecture ? architecture : texts[i].first;
    NSString *text = [NSString stringWithUTF8String: texts[i].value ? texts[i].value : first];
    pthread_mutex_unlock(&lock);
    return text;
}

void double_reset(void)
{
    cache_clear();
    for (int i = 0; i < TEXTS; i++) double_set_text(texts[i].name, NULL);
    pthread_mutex_lock(&lock);
    while (told) {
        struct told *next = told->next;
        free_told(told);
        told = next;
    }
    for (struct count *c = messages; c; c = c->next) c->value = 0;
    for (int i = 0; i < NUMBERS; i++)
        if (i != LOADED && i != MAPPED && i != IN_FLIGHT) set(i, FIRST[i]);
    pthread_mutex_unlock(&lock);
}

NSError *ane_error(long code, NSString *description, NSString *reason)
{
    NSMutableDictionary *info = [NSMutableDictionary dictionaryWithObject: description forKey: NSLocalizedDescriptionKey];
    if (reason) [info setObject: reason forKey: NSLocalizedFailureReasonErrorKey];
    return [NSError errorWithDomain: @"com.apple.appleneuralengine" code: code userInfo: info];
}

NSError *inference_error(NSString *reason)
{
    NSString *text = @"ANEProgramProcessRequestDirect() Failed with status=0x1d : statusType=0x9: Program Inference error";
    return ane_error(8, text, reason);
}

void want_options(NSDictionary *options)
{
    if (!options) [NSException raise: NSInvalidArgumentException format: @"attempt to insert nil: there are no options"];
}
