/* The connection to the service: compiles, loads, and runs. */
#import "double.h"
#include <unistd.h>

/* Whether a model is one that the client can take; an in-memory model is not, though it has a program. */
static BOOL is_model(id model) { return [model isKindOfClass: [_ANEModel class]]; }

@implementation _ANEClient
+ (id) sharedConnection
{
    static _ANEClient *shared;
    if (FAILS(NULL)) return nil;
    @synchronized(self) {
        if (!shared) shared = [[self alloc] init];
    }
    return shared;
}
- (BOOL) compiledModelExistsFor: (_ANEModel *)model { return cache_get(model->cacheURLIdentifier) != nil; }
- (void) purgeCompiledModel: (_ANEModel *)model { cache_drop(model->cacheURLIdentifier); }
- (BOOL) compileModel: (_ANEModel *)model options: (NSDictionary *)options qos: (unsigned)qos error: (NSError **)error
{
    set(QOS, qos);
    want_options(options);
    if (FAILS(error)) return NO;
    usleep(get(COMPILE_DELAY) * 1000);
    ANECompiled *compiled = [ANECompiled compiledFrom: [model->modelURL path] error: error];
    if (!compiled) return NO;
    cache_put(model->cacheURLIdentifier, compiled);
    return YES;
}
- (BOOL) loadModel: (_ANEModel *)model options: (NSDictionary *)options qos: (unsigned)qos error: (NSError **)error
{
    set(QOS, qos);
    want_options(options);
    if (FAILS(error)) return NO;
    ANECompiled *compiled = cache_get(model->cacheURLIdentifier);
    if (!compiled || compiled->isStale || model->program) {
        NSString *why = !compiled ? @"it is not compiled" : compiled->isStale ? @"the cache is stale" : @"it is loaded already";
        *error = ane_error(6, @"Program load failure (0x20004)", why);
        return NO;
    }
    /* What was set before does not count. */
    model->perfStatsMask = [[options objectForKey: @"kANEFPerformanceStatsMask"] unsignedIntValue];
    set(LOAD_MASK, model->perfStatsMask);
    model->modelAttributes = [[compiled attributes] retain];
    model->program = [[_ANEProgramForEvaluation programWith: compiled mask: model->perfStatsMask] retain];
    model->state = 3;
    return YES;
}
- (BOOL) unloadModel: (_ANEModel *)model options: (NSDictionary *)options qos: (unsigned)qos error: (NSError **)error
{
    (void)options;
    set(QOS, qos);
    if (FAILS(error)) return NO;
    if (!model->program) {
        *error = ane_error(23, @"Program not found", @"it is not loaded");
        return NO;
    }
    if (__sync_add_and_fetch(&model->program->runs, 0)) fault(@"a program is unloaded while it runs");
    [model->program release];
    [model->modelAttributes release];
    model->program = nil;
    model->modelAttributes = nil;
    model->state = 1;
    return YES;
}
/* A run; when it fails, the failure is reported under the model's UUID, which an in-memory model has not. */
- (BOOL) run: (id)model options: (NSDictionary *)options request: (_ANERequest *)request qos: (unsigned)qos
    selector: (SEL)selector error: (NSError **)error
{
    NSError *why = nil;
    _ANEProgramForEvaluation *program = [model program];
    BOOL ran = !fails(sel_getName(selector), &why);
    if (ran && !program) {
        why = inference_error(@"the program is not loaded");
        ran = NO;
    }
    ran = ran && [program processRequest: request model: model qos: qos qIndex: 5 modelStringID: 0 options: options
                             returnValue: NULL error: &why];
    if (!ran) {
        [model getUUID];
        if (error) *error = why;
    }
    return ran;
}
- (BOOL) evaluateWithModel: (id)model options: (NSDictionary *)options request: (_ANERequest *)request qos: (unsigned)qos
                     error: (NSError **)error
{
    return [self run: model options: options request: request qos: qos selector: _cmd error: error];
}
- (BOOL) doEvaluateDirectWithModel: (id)model options: (NSDictionary *)options request: (_ANERequest *)request
                               qos: (unsigned)qos error: (NSError **)error
{
    return [self run: model options: options request: request qos: qos selector: _cmd error: error];
}
#ifndef DOUBLE_OF_MACOS_12
- (BOOL) evaluateRealTimeWithModel: (id)model options: (NSDictionary *)options request: (_ANERequest *)request
                             error: (NSError **)error
{
    return [self run: model options: options request: request qos: 0 selector: _cmd error: error];
}
#endif
/* Both need an entitlement. */
- (BOOL) beginRealTimeTask { return NO; }
- (BOOL) endRealTimeTask { return NO; }
- (BOOL) mapIOSurfacesWithModel: (id)model request: (_ANERequest *)request cacheInference: (BOOL)cache error: (NSError **)error
{
    (void)cache;
    if (FAILS(error)) return NO;
    BOOL can = is_model(model) && [model program] && [request validate] && !request->mapper;
    if (!can) {
        *error = ane_error(13, @"IOSurfaces map failure (0x1)", nil);
        return NO;
    }
    request->mapper = [model retain];
    add(MAPPED, 1);
    return YES;
}
- (void) unmapIOSurfacesWithModel: (id)model request: (_ANERequest *)request
{
    if (FAILS(NULL)) return;
    if (request->mapper != model) {
        fault(@"surfaces are unmapped for a model that they are not mapped for");
        return;
    }
    if (![model program]) fault(@"surfaces are unmapped after the program was unloaded");
    add(MAPPED, -1);
    request->mapper = nil;
    [model release];
}
@end
