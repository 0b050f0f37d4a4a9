/* What runs measure. */
#import "double.h"

@implementation _ANEPerformanceStats
+ (id) statsWithHardwareExecutionNS: (unsigned long long)nanoseconds
{
    _ANEPerformanceStats *stats = [self made];
    stats->nanoseconds = nanoseconds;
    /* 29 counters of 8 bytes, all 0 while the gate is closed. */
    NSMutableData *counters = [NSMutableData dataWithLength: 29 * 8];
    if (nanoseconds) *(uint64_t *)([counters mutableBytes]) = nanoseconds;
    stats->counters = [counters copy];
    return stats;
}
- (unsigned long long) hwExecutionTime { return nanoseconds; }
- (NSData *) perfCounterData { return counters; }
- (NSString *) stringForPerfCounter: (int)counter
{
    static NSString *const NAMES[] = {
        @"AF_TO_L2_DATA", @"AF_TO_KM_DATA", @"L2_TO_AF_DATA", @"L2_TO_NE_DATA", @"NE_TO_L2_DATA", @"INT8_CYCLES",
        @"FP16_CYCLES", @"L2_READ_STALL", @"L2_WRITE_STALL", @"KM_STALL", @"NE_NOMINAL_CYCLES", @"NE_THROTTLE",
        @"L2_THROTTLE", @"NE_COMPUTE_CYCLES", @"NE_INPUT_STALL", @"NE_OUTPUT_STALL", @"NE_KERNEL_STALL",
        @"DMA_READWRITE_BYTES", @"DMA_READ_BYTES", @"DPE_ENERGY", @"L2_NOMINAL", @"L2PE_COMPUTE", @"L2PE_INPUT_STALL",
        @"L2PE_OUTPUT_STALL"};
    return counter >= 0 && counter < (int)(sizeof NAMES / sizeof *NAMES) ? NAMES[counter] : nil;
}
- (NSDictionary *) performanceCounters
{
    NSMutableDictionary *named = [NSMutableDictionary dictionary];
    const uint64_t *values = [counters bytes];
    NSString *name;
    for (int i = 0; (name = [self stringForPerfCounter: i]); i++)
        [named setObject: [NSNumber numberWithUnsignedLongLong: values[i]] forKey: name];
    return named;
}
- (void) dealloc
{
    [counters release];
    [super dealloc];
}
@end

@implementation _ANEPerformanceStatsIOSurface
+ (id) objectWithIOSurface: (_ANEIOSurfaceObject *)surface statType: (long long)type
{
    if (FAILS(NULL) || type < 0 || type > 2) return nil;
    /* Not an IOSurface, though the selector says so. */
    if (![surface respondsToSelector: @selector(ioSurface)]) return nil;
    _ANEPerformanceStatsIOSurface *object = [self made];
    object->stats = [surface retain];
    object->statType = type;
    return object;
}
- (id) stats { return stats; }
- (long long) statType { return statType; }
- (void) dealloc
{
    [stats release];
    [super dealloc];
}
@end
