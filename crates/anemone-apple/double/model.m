/* The model that the client takes. */
#import "double.h"

@implementation _ANEModel
+ (id) modelAtURL: (NSURL *)url key: (NSString *)key
{
    if (FAILS(NULL) || !url) return nil;
    _ANEModel *model = [self made];
    model->modelURL = [url retain];
    model->key = [key copy];
    model->cacheURLIdentifier = [[url path] copy];
    model->uuid = [[NSUUID UUID] retain];
    return model;
}
- (NSURL *) modelURL { return modelURL; }
- (NSUUID *) getUUID
{
    FAILS(NULL);
    return uuid;
}
- (NSDictionary *) modelAttributes { return modelAttributes; }
- (_ANEProgramForEvaluation *) program { return program; }
- (unsigned long long) programHandle { return (unsigned long long)(uintptr_t)program; }
- (unsigned long long) intermediateBufferHandle { return 0; }
- (char) queueDepth { return program ? 127 : 0; }
- (unsigned) perfStatsMask { return perfStatsMask; }
- (void) setPerfStatsMask: (unsigned)mask { perfStatsMask = mask; }
- (unsigned long long) state { return state; }
- (void) dealloc
{
    if (program) fault(@"a model is freed while it is loaded");
    [modelURL release];
    [key release];
    [cacheURLIdentifier release];
    [uuid release];
    [modelAttributes release];
    [program release];
    [super dealloc];
}
@end
