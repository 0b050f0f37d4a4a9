/* The classes of the double of AppleNeuralEngine.framework, as its own files see them. Selectors and types are those that
   public dumps of Apple's headers list; behaviour is what open projects report. Nothing here is Apple's. */
#import <Foundation/Foundation.h>
#include "engine.h"
#include "iosurface.h"
#include "switches.h"

/* A block, which gcc does not know. */
struct block {
    void *isa;
    int flags, reserved;
    void (*invoke)(void *, ...);
};

/* Objects that are counted. As with the real classes, `new` and `init` give nil. */
@interface ANEObject : NSObject
{
    BOOL isCounted;
}
/* A new object, autoreleased. */
+ (id) made;
@end

/* The axes of a port. */
enum { BATCH, CHANNEL, DEPTH, HEIGHT, WIDTH, AXES };

/* A port as it lies in memory. */
struct port {
    struct engine_port is;
    size_t at; /* among the function's ports, in the text's order */
    size_t dims[AXES], strides[AXES], bytes;
};

/* The axis that a dimension in the text is. */
unsigned axis(const struct port *port, size_t dimension);

struct procedure {
    const char *name;
    size_t inputs, outputs;           /* of the function; those that nothing reads count */
    size_t live_inputs;               /* those that something reads */
    size_t first_input, first_output; /* their numbers among the symbols of the program */
    struct port *input, *output;      /* sorted by name */
};

/* A compiled program. */
@interface ANECompiled : NSObject
{
@public
    void *program; /* the engine's */
    size_t count;
    struct procedure *procedures;
    BOOL isStale;
}
+ (ANECompiled *) compiledFrom: (NSString *)folder error: (NSError **)error;
- (NSDictionary *) attributes;
@end

@class _ANERequest;

/* A loaded program. */
@interface _ANEProgramForEvaluation : ANEObject
{
@public
    ANECompiled *compiled;
    unsigned loadMask;
    int runs; /* that are under way and not waited for */
}
+ (id) programWith: (ANECompiled *)compiled mask: (unsigned)mask;
- (BOOL) processRequest: (_ANERequest *)request
                  model: (id)model
                    qos: (unsigned)qos
                 qIndex: (unsigned long long)index
          modelStringID: (unsigned long long)string
                options: (NSDictionary *)options
            returnValue: (unsigned *)value
                  error: (NSError **)error;
@end

@interface _ANEModel : ANEObject
{
@public
    NSURL *modelURL;
    NSString *key, *cacheURLIdentifier;
    NSUUID *uuid;
    NSDictionary *modelAttributes;
    _ANEProgramForEvaluation *program;
    unsigned perfStatsMask;
    unsigned long long state;
}
+ (id) modelAtURL: (NSURL *)url key: (NSString *)key;
- (_ANEProgramForEvaluation *) program;
- (NSUUID *) getUUID;
@end

@interface _ANEInMemoryModelDescriptor : ANEObject
{
@public
    NSData *networkText, *optionsPlist;
    NSDictionary *weights;
}
- (NSString *) hexStringIdentifier;
@end

@interface _ANEIOSurfaceObject : ANEObject
{
@public
    IOSurfaceRef surface;
}
@end

@interface _ANEPerformanceStats : ANEObject
{
@public
    unsigned long long nanoseconds;
    NSData *counters;
}
+ (id) statsWithHardwareExecutionNS: (unsigned long long)nanoseconds;
@end

@interface _ANEPerformanceStatsIOSurface : ANEObject
{
@public
    _ANEIOSurfaceObject *stats;
    long long statType;
}
@end

@interface _ANERequest : ANEObject
{
@public
    NSArray *inputArray, *inputIndexArray, *outputArray, *outputIndexArray, *perfStatsArray;
    NSNumber *procedureIndex;
    _ANEPerformanceStats *perfStats;
    struct block *completionHandler;
    _ANEModel *mapper; /* the model that its surfaces are mapped for */
}
- (BOOL) validate;
- (void) setPerfStats: (id)stats;
@end

@interface _ANEClient : NSObject
+ (id) sharedConnection;
- (BOOL) compileModel: (_ANEModel *)model options: (NSDictionary *)options qos: (unsigned)qos error: (NSError **)error;
- (BOOL) loadModel: (_ANEModel *)model options: (NSDictionary *)options qos: (unsigned)qos error: (NSError **)error;
- (BOOL) unloadModel: (_ANEModel *)model options: (NSDictionary *)options qos: (unsigned)qos error: (NSError **)error;
- (BOOL) compiledModelExistsFor: (_ANEModel *)model;
- (void) purgeCompiledModel: (_ANEModel *)model;
- (BOOL) mapIOSurfacesWithModel: (id)model request: (_ANERequest *)request cacheInference: (BOOL)cache error: (NSError **)error;
- (void) unmapIOSurfacesWithModel: (id)model request: (_ANERequest *)request;
@end

/* A number that tests may set or read. */
enum number {
    STALE, GATE, PLANE_PADDING, COMPILE_DELAY, COMPLETION_DELAY, HAS_ANE, ENGINES, CORES, BOARD, VIRTUAL_MACHINE,
    INTERNAL_BUILD, CACHED, LOADED, MAPPED, IN_FLIGHT, MOST_IN_FLIGHT, QOS, LOAD_MASK, EVALUATE_MASK, FAULTS, NUMBERS
};
long get(enum number n);
void set(enum number n, long value);
/* What it is afterwards. */
long add(enum number n, long value);
NSString *text_switch(const char *name);

/* Counts a message. Whether it is to fail; then the error is set, or an exception thrown. */
BOOL fails(const char *selector, NSError **error);
#define FAILS(error) fails(sel_getName(_cmd), error)
void count_object(const char *class_name, long change);
/* Notes misuse. */
void fault(NSString *what);

/* What Apple's NSUnderlyingErrorKey is; GNUstep's is another. */
#define UNDERLYING @"NSUnderlyingError"
/* An error of the framework's own domain, with a reason or nil. */
NSError *ane_error(long code, NSString *description, NSString *reason);
/* The error of a run that the driver refuses. */
NSError *inference_error(NSString *reason);
/* The dictionary of options must not be nil. */
void want_options(NSDictionary *options);
/* The service: the cache of compiled programs. */
void cache_put(NSString *identifier, ANECompiled *compiled);
ANECompiled *cache_get(NSString *identifier);
void cache_drop(NSString *identifier);
void cache_set_stale(void);
void cache_clear(void);
