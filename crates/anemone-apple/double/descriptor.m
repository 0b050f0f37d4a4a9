/* The program to compile: MIL text, weights. */
#import "double.h"

/* FNV-1a; the real one takes a cryptographic hash. */
static uint64_t hash(NSData *data, uint64_t seed)
{
    const unsigned char *bytes = [data bytes];
    uint64_t h = seed ^ 0xcbf29ce484222325u;
    for (NSUInteger i = 0; i < [data length]; i++) h = (h ^ bytes[i]) * 0x100000001b3u;
    return h;
}

/* The first value of a dictionary that is data. */
static NSData *first_data(NSDictionary *inner)
{
    NSEnumerator *values = [inner objectEnumerator];
    id value;
    while ((value = [values nextObject]) && ![value isKindOfClass: [NSData class]]) {}
    return value;
}

static BOOL are_weights(NSDictionary *weights)
{
    if (![weights isKindOfClass: [NSDictionary class]]) return NO;
    NSEnumerator *inner = [weights objectEnumerator];
    id value;
    while ((value = [inner nextObject]))
        if (![value isKindOfClass: [NSDictionary class]] || !first_data(value)) return NO;
    return YES;
}

@implementation _ANEInMemoryModelDescriptor
+ (id) modelWithMILText: (NSData *)text weights: (NSDictionary *)weights optionsPlist: (NSData *)options
{
    if (FAILS(NULL) || !text || !are_weights(weights)) return nil;
    if (![text isKindOfClass: [NSData class]])
        [NSException raise: NSInvalidArgumentException format: @"the text is a %@, no NSData", [text class]];
    _ANEInMemoryModelDescriptor *descriptor = [self made];
    descriptor->networkText = [text copy];
    descriptor->weights = [weights copy];
    descriptor->optionsPlist = [options copy];
    return descriptor;
}
- (NSData *) networkText { return networkText; }
- (NSDictionary *) weights { return weights; }
- (NSData *) optionsPlist { return optionsPlist; }
- (BOOL) isMILModel { return YES; }
/* Of the text, of the weights in the order of their paths, of the options. */
- (NSString *) hexStringIdentifier
{
    uint64_t of_weights = 0;
    NSArray *paths = [[weights allKeys] sortedArrayUsingSelector: @selector(compare:)];
    for (NSUInteger i = 0; i < [paths count]; i++)
        of_weights = hash(first_data([weights objectForKey: [paths objectAtIndex: i]]), of_weights + 1);
    return [NSString stringWithFormat: @"%016llX_%016llX_%016llX", (unsigned long long)hash(networkText, 0),
                                       (unsigned long long)of_weights, (unsigned long long)hash(optionsPlist, 0)];
}
- (void) dealloc
{
    [networkText release];
    [weights release];
    [optionsPlist release];
    [super dealloc];
}
@end
