/* The service's cache of compiled programs. The real one outlives the process; this one does not. */
#import "double.h"

static NSMutableDictionary *cache;

@interface ANECache : NSObject
@end

@implementation ANECache
+ (void) initialize
{
    if (!cache) cache = [NSMutableDictionary new];
}
@end

void cache_put(NSString *identifier, ANECompiled *compiled)
{
    @synchronized([ANECache class]) {
        [cache setObject: compiled forKey: identifier];
        set(CACHED, [cache count]);
    }
}

ANECompiled *cache_get(NSString *identifier)
{
    @synchronized([ANECache class]) {
        return [[[cache objectForKey: identifier] retain] autorelease];
    }
}

void cache_drop(NSString *identifier)
{
    @synchronized([ANECache class]) {
        [cache removeObjectForKey: identifier];
        set(CACHED, [cache count]);
    }
}

/* Tests call these two, which have no pool. */
void cache_set_stale(void)
{
    NSAutoreleasePool *pool = [NSAutoreleasePool new];
    @synchronized([ANECache class]) {
        NSEnumerator *all = [cache objectEnumerator];
        ANECompiled *compiled;
        while ((compiled = [all nextObject])) compiled->isStale = YES;
    }
    [pool release];
}

void cache_clear(void)
{
    NSAutoreleasePool *pool = [NSAutoreleasePool new];
    @synchronized([ANECache class]) {
        [cache removeAllObjects];
        set(CACHED, 0);
    }
    [pool release];
}
