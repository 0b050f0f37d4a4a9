/* Runs of a loaded program. */
#import "double.h"
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* As the real one says of itself. */
enum { QUEUE_DEPTH = 127, MESSAGE = 1024 };

static NSString *const MASK = @"kANEFPerformanceStatsMask";

/* What a run is bound to. The engine's ports are in the text's order, the request's in any. */
@interface ANERun : NSObject
{
@public
    _ANEProgramForEvaluation *program;
    _ANERequest *request;
    struct procedure *procedure;
    size_t function;
    struct engine_memory *inputs, *outputs;
    IOSurfaceRef *used; /* surfaces that are marked as used: those that are read, then those that are written */
    size_t read, written;
    BOOL isMeasured;
}
- (void) measured: (unsigned long long)nanoseconds;
- (void) runAlone;
@end

/* Gives a port its memory: the strides of the text's dimensions are some of the port's. */
static struct engine_memory memory(const struct port *port, uint8_t *base, size_t bytes)
{
    struct engine_memory memory = {.base = base, .bytes = bytes};
    for (size_t i = 0; i < port->is.rank; i++) memory.strides[i] = port->strides[axis(port, i)];
    return memory;
}

@implementation ANERun
/* Binds the surfaces of one side; what is wrong with them, or nil. */
- (NSString *) bind: (NSArray *)surfaces
            indices: (NSArray *)indices
              ports: (const struct port *)ports
              count: (size_t)count
              first: (size_t)first
            writing: (BOOL)writing
{
    NSString *what = writing ? @"output" : @"input";
    if ([surfaces count] != count)
        return [NSString stringWithFormat: @"%lu %@s are bound, the procedure has %lu", [surfaces count], what, count];
    struct engine_memory *to = writing ? outputs : inputs;
    for (size_t i = 0; i < count; i++) {
        size_t symbol = [[indices objectAtIndex: i] unsignedLongValue];
        if (symbol < first || symbol - first >= count)
            return [NSString stringWithFormat: @"symbol %lu is no %@ of the procedure", symbol, what];
        const struct port *port = &ports[symbol - first];
        if (to[port->at].base) return [NSString stringWithFormat: @"%@ %s is bound twice", what, port->is.name];
        IOSurfaceRef surface = ((_ANEIOSurfaceObject *)[surfaces objectAtIndex: i])->surface;
        size_t bytes = IOSurfaceGetAllocSize(surface);
        if (bytes < port->bytes)
            return [NSString stringWithFormat: @"%@ %s takes %lu bytes, its surface has %lu", what, port->is.name,
                                               port->bytes, bytes];
        uint8_t *base = IOSurfaceDoubleBegin(surface, writing);
        if (!base) return [NSString stringWithFormat: @"the surface of %@ %s is in use", what, port->is.name];
        used[read + written] = surface;
        *(writing ? &written : &read) += 1;
        to[port->at] = memory(port, base, bytes);
    }
    return nil;
}
- (NSString *) bindAll
{
    size_t id = [request->procedureIndex unsignedLongValue];
    ANECompiled *compiled = program->compiled;
    /* A program of one procedure is not particular about its number. */
    if (compiled->count == 1 && id < 16) id = 0;
    if (![request validate] || id >= compiled->count) return @"the request is not valid for the program";
    function = id;
    procedure = &compiled->procedures[id];
    inputs = calloc(procedure->inputs + 1, sizeof *inputs);
    outputs = calloc(procedure->outputs + 1, sizeof *outputs);
    used = calloc(procedure->live_inputs + procedure->outputs + 1, sizeof *used);
    NSString *wrong = [self bind: request->inputArray indices: request->inputIndexArray ports: procedure->input
                           count: procedure->live_inputs first: procedure->first_input writing: NO];
    if (wrong) return wrong;
    return [self bind: request->outputArray indices: request->outputIndexArray ports: procedure->output
                count: procedure->outputs first: procedure->first_output writing: YES];
}
- (void) unbind
{
    for (size_t i = 0; i < read + written; i++) IOSurfaceDoubleEnd(used[i], i >= read);
    read = written = 0;
}
- (BOOL) run: (NSError **)error
{
    const char *why;
    char message[MESSAGE];
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    BOOL ran = engine(&why)->evaluate(program->compiled->program, function, inputs, outputs, message, sizeof message);
    clock_gettime(CLOCK_MONOTONIC, &end);
    [self unbind];
    if (!ran) {
        *error = inference_error([NSString stringWithUTF8String: message]);
        return NO;
    }
    long nanoseconds = (end.tv_sec - start.tv_sec) * 1000000000l + end.tv_nsec - start.tv_nsec;
    if (isMeasured) [self measured: get(GATE) ? nanoseconds + 1 : 0];
    return YES;
}
/* Writes what was measured where the request wants it: a header, then the counters. A closed gate leaves zeros. */
- (void) measured: (unsigned long long)nanoseconds
{
    [request setPerfStats: [_ANEPerformanceStats statsWithHardwareExecutionNS: nanoseconds]];
    for (NSUInteger i = 0; nanoseconds && i < [request->perfStatsArray count]; i++) {
        IOSurfaceRef surface = ((_ANEPerformanceStatsIOSurface *)[request->perfStatsArray objectAtIndex: i])->stats->surface;
        unsigned long long *to = IOSurfaceDoubleBegin(surface, 1);
        if (!to) {
            fault(@"the surface for statistics is in use");
            continue;
        }
        to[0] = 1;
        to[1] = nanoseconds;
        IOSurfaceDoubleEnd(surface, 1);
    }
}
/* A run with a completion handler: on a thread of its own. */
- (void) runAlone
{
    NSAutoreleasePool *pool = [NSAutoreleasePool new];
    usleep(get(COMPLETION_DELAY) * 1000);
    NSError *error = nil;
    BOOL ran = !fails("completion", &error) && [self run: &error];
    [self unbind];
    add(IN_FLIGHT, -1);
    __sync_sub_and_fetch(&program->runs, 1);
    /* One reference is this run's own, so that a mistake is told and does not crash; the real one is not known to take any. */
    if ([request retainCount] < 2) fault(@"a request is let go of before its run is done");
    struct block *handler = request->completionHandler;
    ((void (*)(void *, BOOL, NSError *))handler->invoke)(handler, ran, error);
    [pool release];
}
- (void) dealloc
{
    [self unbind];
    free(inputs), free(outputs), free(used);
    [program release];
    [request release];
    [super dealloc];
}
@end

@implementation _ANEProgramForEvaluation
+ (id) programWith: (ANECompiled *)compiled mask: (unsigned)mask
{
    _ANEProgramForEvaluation *program = [self made];
    program->compiled = [compiled retain];
    program->loadMask = mask;
    add(LOADED, 1);
    return program;
}
- (char) queueDepth { return QUEUE_DEPTH; }
- (BOOL) processRequest: (_ANERequest *)request
                  model: (id)model
                    qos: (unsigned)qos
                 qIndex: (unsigned long long)index
          modelStringID: (unsigned long long)string
                options: (NSDictionary *)options
            returnValue: (unsigned *)value
                  error: (NSError **)error
{
    (void)model, (void)index, (void)string, (void)value;
    want_options(options);
    unsigned mask = [[options objectForKey: MASK] unsignedIntValue];
    set(QOS, qos);
    set(EVALUATE_MASK, mask);
    if ([request->perfStatsArray count] && !loadMask)
        [NSException raise: NSInvalidArgumentException format: @"ProgramCreate stats buffer size:0"];
    ANERun *run = [[ANERun new] autorelease];
    run->program = [self retain];
    run->request = [request retain];
    run->isMeasured = mask && loadMask && [request->perfStatsArray count];
    NSString *wrong = [run bindAll];
    if (wrong) {
        *error = inference_error(wrong);
        return NO;
    }
    if (!request->completionHandler) return [run run: error];
    long in_flight = add(IN_FLIGHT, 1);
    if (in_flight > QUEUE_DEPTH) {
        add(IN_FLIGHT, -1);
        *error = ane_error(5, @"the queue is full", nil);
        return NO;
    }
    @synchronized([ANERun class]) {
        if (in_flight > get(MOST_IN_FLIGHT)) set(MOST_IN_FLIGHT, in_flight);
    }
    __sync_add_and_fetch(&runs, 1);
    [NSThread detachNewThreadSelector: @selector(runAlone) toTarget: run withObject: nil];
    return YES;
}
- (void) dealloc
{
    add(LOADED, -1);
    [compiled release];
    [super dealloc];
}
@end
