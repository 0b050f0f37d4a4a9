/* Which surfaces a run reads and writes. */
#import "double.h"

extern void *_Block_copy(const void *block);
extern void _Block_release(const void *block);

/* The driver's bounds. */
enum { MOST_SURFACES = 255, MOST_INDEX = 254, MOST_PROCEDURE = 128 };

static BOOL all_are(NSArray *objects, NSString *class_name)
{
    Class class = NSClassFromString(class_name);
    for (NSUInteger i = 0; i < [objects count]; i++)
        if (![[objects objectAtIndex: i] isKindOfClass: class]) return NO;
    return YES;
}

static BOOL surfaces_fit(NSArray *surfaces, NSArray *indices)
{
    NSUInteger count = [surfaces count];
    if (!count || count > MOST_SURFACES || count != [indices count]) return NO;
    if (!all_are(surfaces, @"_ANEIOSurfaceObject") || !all_are(indices, @"NSNumber")) return NO;
    for (NSUInteger i = 0; i < count; i++)
        if ([[indices objectAtIndex: i] unsignedLongValue] > MOST_INDEX) return NO;
    return YES;
}

@implementation _ANERequest
+ (id) requestWithInputs: (NSArray *)inputs
            inputIndices: (NSArray *)inputIndices
                 outputs: (NSArray *)outputs
           outputIndices: (NSArray *)outputIndices
           weightsBuffer: (id)weights
               perfStats: (NSArray *)stats
          procedureIndex: (NSNumber *)procedure
{
    (void)weights; /* has no effect on the real one either */
    if (FAILS(NULL)) return nil;
    if ([inputs count] != [inputIndices count] || [outputs count] != [outputIndices count]) return nil;
    _ANERequest *request = [self made];
    request->inputArray = [inputs copy];
    request->inputIndexArray = [inputIndices copy];
    request->outputArray = [outputs copy];
    request->outputIndexArray = [outputIndices copy];
    request->perfStatsArray = [stats copy];
    request->procedureIndex = [procedure copy];
    return request;
}
- (NSArray *) inputArray { return inputArray; }
- (NSArray *) inputIndexArray { return inputIndexArray; }
- (NSArray *) outputArray { return outputArray; }
- (NSArray *) outputIndexArray { return outputIndexArray; }
- (NSArray *) perfStatsArray { return perfStatsArray; }
- (NSNumber *) procedureIndex { return procedureIndex; }
- (unsigned long long) ioSurfacesCount { return [inputArray count] + [outputArray count]; }
- (id) perfStats
{
    if (FAILS(NULL)) return nil;
    @synchronized(self) {
        if (perfStats && !perfStats->nanoseconds)
            fault(@"the statistics of a closed gate are read, of which some systems die");
        return [[perfStats retain] autorelease];
    }
}
- (void) setPerfStats: (id)stats
{
    @synchronized(self) {
        [stats retain];
        [perfStats release];
        perfStats = stats;
    }
}
- (BOOL) validate
{
    if (FAILS(NULL)) return NO;
    if (!surfaces_fit(inputArray, inputIndexArray) || !surfaces_fit(outputArray, outputIndexArray)) return NO;
    if (![procedureIndex isKindOfClass: [NSNumber class]] || [procedureIndex unsignedLongValue] > MOST_PROCEDURE) return NO;
    if (!all_are(perfStatsArray, @"_ANEPerformanceStatsIOSurface")) return NO;
    unsigned types = 0;
    for (NSUInteger i = 0; i < [perfStatsArray count]; i++) {
        unsigned type = 1u << ((_ANEPerformanceStatsIOSurface *)[perfStatsArray objectAtIndex: i])->statType;
        if (types & type) return NO;
        types |= type;
    }
    return YES;
}
#ifndef DOUBLE_OF_MACOS_12
- (void) setCompletionHandler: (struct block *)handler
{
    if (FAILS(NULL)) return;
    struct block *before = completionHandler;
    completionHandler = handler ? _Block_copy(handler) : NULL;
    if (before) _Block_release(before);
}
#endif
- (void) dealloc
{
    if (mapper) fault(@"a request is freed while its surfaces are mapped");
    if (completionHandler) _Block_release(completionHandler);
    [inputArray release];
    [inputIndexArray release];
    [outputArray release];
    [outputIndexArray release];
    [perfStatsArray release];
    [procedureIndex release];
    [perfStats release];
    [super dealloc];
}
@end
