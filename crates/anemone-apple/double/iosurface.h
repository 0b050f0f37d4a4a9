/* The double of IOSurface, as the double of the engine uses it. */
#ifndef ANEMONE_IOSURFACE_H
#define ANEMONE_IOSURFACE_H
#include <stddef.h>
#include <stdint.h>

typedef struct __IOSurface *IOSurfaceRef;

const void *CFRetain(const void *object);
void CFRelease(const void *object);
size_t IOSurfaceGetAllocSize(IOSurfaceRef surface);
size_t IOSurfaceGetBytesPerRow(IOSurfaceRef surface);
size_t IOSurfaceGetHeight(IOSurfaceRef surface);
uint32_t IOSurfaceGetID(IOSurfaceRef surface);

/* What the engine does, which has no lock of the CPU's. `NULL` if the surface is used in a way that forbids it: for reading,
   if somebody writes; for writing, if anybody uses it. */
void *IOSurfaceDoubleBegin(IOSurfaceRef surface, int writing);
void IOSurfaceDoubleEnd(IOSurfaceRef surface, int writing);
/* How many surfaces there are. */
long IOSurfaceDoubleLive(void);
#endif
