/* A double of IOSurface, and of CFRetain and CFRelease for surfaces: memory that knows who uses it, and ends the process with a
   message where the real one would give wrong data or nothing at all. */
#import <Foundation/Foundation.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "iosurface.h"

#define KEY(name) NSString *kIOSurface##name = @"IOSurface" #name;
KEY(Width)
KEY(Height)
KEY(BytesPerElement)
KEY(BytesPerRow)
KEY(AllocSize)
KEY(PixelFormat)

enum { READ_ONLY = 1, AVOID_SYNC = 2, PAGE = 16384 };

struct __IOSurface {
    struct __IOSurface *next;
    uint32_t id, seed;
    int references, uses;
    size_t bytes, row, height;
    unsigned char *base;
    /* Locks by their options: unlocking wants the same. */
    int locks[4];
    int engine_readers, engine_writers;
};

/* All of them, and what is in them but the bytes, belong to this lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct __IOSurface *all;
static uint32_t last_id;

static void stop(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("IOSurface double: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

/* Whether this is one of our surfaces; it is not looked into. */
static struct __IOSurface **find(const void *object)
{
    struct __IOSurface **at = &all;
    while (*at && *at != object) at = &(*at)->next;
    return *at ? at : NULL;
}

static IOSurfaceRef taken(IOSurfaceRef surface, const char *function)
{
    pthread_mutex_lock(&lock);
    if (!find(surface)) stop("%s of what is no surface, or no longer", function);
    return surface;
}

static int locks(IOSurfaceRef s, int of_writers)
{
    int writers = s->locks[0] + s->locks[AVOID_SYNC];
    return of_writers ? writers : writers + s->locks[READ_ONLY] + s->locks[READ_ONLY | AVOID_SYNC];
}

static size_t number(NSDictionary *properties, NSString *key) { return [[properties objectForKey: key] unsignedLongValue]; }

IOSurfaceRef IOSurfaceCreate(NSDictionary *properties)
{
    size_t width = number(properties, kIOSurfaceWidth), height = number(properties, kIOSurfaceHeight);
    size_t element = number(properties, kIOSurfaceBytesPerElement), row = number(properties, kIOSurfaceBytesPerRow);
    size_t bytes = number(properties, kIOSurfaceAllocSize), least;
    if (!width || !height || !element || width > row / element) return NULL;
    if (__builtin_mul_overflow(row, height, &least)) return NULL;
    if (!bytes) bytes = least;
    if (bytes < least || bytes > SIZE_MAX - PAGE) return NULL;
    bytes = (bytes + PAGE - 1) / PAGE * PAGE;
    void *base;
    if (posix_memalign(&base, PAGE, bytes)) return NULL;
    memset(base, 0, bytes);
    IOSurfaceRef s = calloc(1, sizeof *s);
    pthread_mutex_lock(&lock);
    *s = (struct __IOSurface){.next = all, .id = ++last_id, .references = 1, .bytes = bytes, .base = base, .row = row,
                              .height = height};
    all = s;
    pthread_mutex_unlock(&lock);
    return s;
}

int IOSurfaceLock(IOSurfaceRef surface, uint32_t options, uint32_t *seed)
{
    IOSurfaceRef s = taken(surface, "IOSurfaceLock");
    if (options > 3) stop("surface %u is locked with options %#x", s->id, options);
    if (s->engine_writers || (s->engine_readers && !(options & READ_ONLY)))
        stop("surface %u is locked while a run uses it", s->id);
    s->locks[options]++;
    if (seed) *seed = s->seed;
    pthread_mutex_unlock(&lock);
    return 0;
}

int IOSurfaceUnlock(IOSurfaceRef surface, uint32_t options, uint32_t *seed)
{
    IOSurfaceRef s = taken(surface, "IOSurfaceUnlock");
    if (options > 3 || !s->locks[options]) stop("surface %u is unlocked as it is not locked", s->id);
    s->locks[options]--;
    if (!(options & READ_ONLY)) s->seed++;
    if (seed) *seed = s->seed;
    pthread_mutex_unlock(&lock);
    return 0;
}

void *IOSurfaceGetBaseAddress(IOSurfaceRef surface)
{
    IOSurfaceRef s = taken(surface, "IOSurfaceGetBaseAddress");
    if (!locks(s, 0)) stop("the base address of surface %u is asked for while it is not locked", s->id);
    pthread_mutex_unlock(&lock);
    return s->base;
}

#define GETTER(type, function, field)                  \
    type function(IOSurfaceRef surface)                \
    {                                                  \
        type value = taken(surface, #function)->field; \
        pthread_mutex_unlock(&lock);                   \
        return value;                                  \
    }
GETTER(size_t, IOSurfaceGetAllocSize, bytes)
GETTER(size_t, IOSurfaceGetBytesPerRow, row)
GETTER(size_t, IOSurfaceGetHeight, height)
GETTER(uint32_t, IOSurfaceGetID, id)
GETTER(uint32_t, IOSurfaceGetSeed, seed)
GETTER(int32_t, IOSurfaceGetUseCount, uses)

void IOSurfaceIncrementUseCount(IOSurfaceRef surface)
{
    taken(surface, "IOSurfaceIncrementUseCount")->uses++;
    pthread_mutex_unlock(&lock);
}

void IOSurfaceDecrementUseCount(IOSurfaceRef surface)
{
    if (--taken(surface, "IOSurfaceDecrementUseCount")->uses < 0) stop("a use count falls below 0");
    pthread_mutex_unlock(&lock);
}

void *IOSurfaceDoubleBegin(IOSurfaceRef surface, int writing)
{
    IOSurfaceRef s = taken(surface, "a run");
    int busy = s->engine_writers || locks(s, !writing) || (writing && s->engine_readers);
    if (!busy) *(writing ? &s->engine_writers : &s->engine_readers) += 1;
    pthread_mutex_unlock(&lock);
    return busy ? NULL : s->base;
}

void IOSurfaceDoubleEnd(IOSurfaceRef surface, int writing)
{
    IOSurfaceRef s = taken(surface, "the end of a run");
    *(writing ? &s->engine_writers : &s->engine_readers) -= 1;
    pthread_mutex_unlock(&lock);
}

long IOSurfaceDoubleLive(void)
{
    long count = 0;
    pthread_mutex_lock(&lock);
    for (struct __IOSurface *s = all; s; s = s->next) count++;
    pthread_mutex_unlock(&lock);
    return count;
}

const void *CFRetain(const void *object)
{
    pthread_mutex_lock(&lock);
    struct __IOSurface **at = find(object);
    if (!at) stop("CFRetain of what is no surface, or no longer");
    (*at)->references++;
    pthread_mutex_unlock(&lock);
    return object;
}

void CFRelease(const void *object)
{
    struct __IOSurface *dead = NULL;
    pthread_mutex_lock(&lock);
    struct __IOSurface **at = find(object);
    if (!at) stop("CFRelease of what is no surface, or no longer");
    if (--(*at)->references == 0) {
        dead = *at;
        if (locks(dead, 0) || dead->engine_readers || dead->engine_writers) stop("surface %u is freed in use", dead->id);
        *at = dead->next;
    }
    pthread_mutex_unlock(&lock);
    if (dead) free(dead->base), free(dead);
}
