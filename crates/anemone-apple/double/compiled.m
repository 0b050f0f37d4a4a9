/* A compiled program: the engine's, and how its ports lie in memory. */
#import "double.h"
#include <stdlib.h>
#include <string.h>

enum { ROW_ALIGN = 64, MESSAGE = 4096 };

static size_t up(size_t n, size_t to) { return (n + to - 1) / to * to; }

unsigned axis(const struct port *port, size_t dimension)
{
    static const unsigned char OF_RANK[MAX_RANK + 1][MAX_RANK] = {
        {0}, {WIDTH}, {HEIGHT, WIDTH}, {CHANNEL, HEIGHT, WIDTH}, {BATCH, CHANNEL, HEIGHT, WIDTH},
        {BATCH, CHANNEL, DEPTH, HEIGHT, WIDTH}};
    return OF_RANK[port->is.rank][dimension];
}

/* Dimensions that the text does not have are 1. */
static void set_dims(struct port *port)
{
    for (int i = 0; i < AXES; i++) port->dims[i] = 1;
    for (size_t i = 0; i < port->is.rank; i++) port->dims[axis(port, i)] = port->is.dims[i];
}

/* Rows begin on 64 bytes; planes and samples may be padded. */
static void set_strides(struct port *port)
{
    size_t *dims = port->dims, *strides = port->strides, padding = up(get(PLANE_PADDING), ROW_ALIGN);
    strides[HEIGHT] = up(dims[WIDTH] * port->is.size, ROW_ALIGN);
    strides[CHANNEL] = strides[HEIGHT] * dims[HEIGHT] + padding;
    strides[DEPTH] = strides[CHANNEL] * dims[CHANNEL];
    strides[BATCH] = strides[DEPTH] * dims[DEPTH] + padding;
    strides[WIDTH] = port->is.size;
    port->bytes = strides[BATCH] * dims[BATCH];
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct port *)a)->is.name, ((const struct port *)b)->is.name);
}

/* The ports of a function that the program has, in the order of their names. */
static struct port *ports(const struct engine *e, const void *program, size_t function, bool outputs, size_t *live)
{
    size_t count = e->ports(program, function, outputs);
    struct port *all = calloc(count + 1, sizeof *all);
    *live = 0;
    for (size_t at = 0; at < count; at++) {
        struct port port = {.is = e->port(program, function, outputs, at), .at = at};
        if (!port.is.is_read) continue;
        set_dims(&port);
        set_strides(&port);
        all[(*live)++] = port;
    }
    qsort(all, *live, sizeof *all, by_name);
    return all;
}

/* The framework's name for an element type. */
static NSString *type_name(const char *dtype)
{
    static const char *const NAMES[][2] = {{"fp16", "Float16"}, {"fp32", "Float32"}, {"int8", "Int8"},   {"uint8", "UInt8"},
                                           {"int16", "Int16"},  {"uint16", "UInt16"}, {"int32", "Int32"}, {"bool", "Bool"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (!strcmp(NAMES[i][0], dtype)) return [NSString stringWithUTF8String: NAMES[i][1]];
    return @"Unknown";
}

static NSNumber *number(size_t value) { return [NSNumber numberWithUnsignedLong: value]; }

/* An input or output, as NetworkStatusList has it. */
static NSDictionary *entry(const struct port *port, const char *suffix)
{
    static NSString *const DIMS[] = {@"Batches", @"Channels", @"Depth", @"Height", @"Width"};
    static NSString *const STRIDES[] = {@"BatchStride", @"PlaneStride", @"DepthStride", @"RowStride"};
    NSMutableDictionary *entry = [NSMutableDictionary dictionary];
    [entry setObject: [NSString stringWithFormat: @"%s%s", port->is.name, suffix] forKey: @"Symbol"];
    [entry setObject: [NSString stringWithUTF8String: port->is.name] forKey: @"Name"];
    [entry setObject: type_name(port->is.dtype) forKey: @"Type"];
    [entry setObject: number(1) forKey: @"Interleave"];
    for (int i = 0; i < AXES; i++) [entry setObject: number(port->dims[i]) forKey: DIMS[i]];
    for (int i = 0; i < WIDTH; i++) [entry setObject: number(port->strides[i]) forKey: STRIDES[i]];
    return entry;
}

static NSArray *entries(const struct port *ports, size_t count, const char *suffix)
{
    NSMutableArray *all = [NSMutableArray array];
    for (size_t i = 0; i < count; i++) [all addObject: entry(&ports[i], suffix)];
    return all;
}

static NSArray *range(size_t first, size_t count)
{
    NSMutableArray *all = [NSMutableArray array];
    for (size_t i = 0; i < count; i++) [all addObject: number(first + i)];
    return all;
}

static NSDictionary *dictionary(NSString *key, id value, NSString *key2, id value2, NSString *key3, id value3)
{
    return [NSDictionary dictionaryWithObjectsAndKeys: value, key, value2, key2, value3, key3, nil];
}

@implementation ANECompiled
+ (ANECompiled *) compiledFrom: (NSString *)folder error: (NSError **)error
{
    const char *why;
    const struct engine *e = engine(&why);
    char message[MESSAGE];
    const char *architecture = [text_switch("architecture") UTF8String];
    void *program = e ? e->load([folder fileSystemRepresentation], architecture, message, sizeof message) : NULL;
    if (!program) {
        NSString *text = [NSString stringWithUTF8String: e ? message : why];
        NSString *domain = @"com.apple.appleneuralengine.compiler";
        NSDictionary *info = dictionary(NSLocalizedDescriptionKey, text, NSLocalizedFailureReasonErrorKey,
                                        @"InvalidMILProgram", NSFilePathErrorKey, folder);
        NSError *below = [NSError errorWithDomain: domain code: 1 userInfo: info];
        info = [NSDictionary dictionaryWithObjectsAndKeys: @"_ANECompiler : ANECCompile() FAILED", NSLocalizedDescriptionKey,
                                                           below, UNDERLYING, nil];
        *error = [NSError errorWithDomain: @"com.apple.appleneuralengine" code: 4 userInfo: info];
        return nil;
    }
    ANECompiled *compiled = [[[self alloc] init] autorelease];
    compiled->program = program;
    compiled->count = e->functions(program);
    compiled->procedures = calloc(compiled->count, sizeof *compiled->procedures);
    size_t inputs = 0, outputs = 0;
    for (size_t i = 0; i < compiled->count; i++) {
        struct procedure *p = &compiled->procedures[i];
        *p = (struct procedure){.name = e->function_name(program, i), .inputs = e->ports(program, i, false)};
        p->first_input = inputs, p->first_output = outputs;
        p->input = ports(e, program, i, false, &p->live_inputs);
        p->output = ports(e, program, i, true, &p->outputs);
        inputs += p->live_inputs, outputs += p->outputs;
    }
    return compiled;
}
- (NSDictionary *) attributes
{
    NSMutableArray *networks = [NSMutableArray array], *described = [NSMutableArray array];
    NSMutableArray *inputs = [NSMutableArray array], *outputs = [NSMutableArray array];
    NSMutableDictionary *ids = [NSMutableDictionary dictionary];
    for (size_t i = 0; i < count; i++) {
        struct procedure *p = &procedures[i];
        NSString *name = [NSString stringWithUTF8String: p->name];
        NSArray *in = entries(p->input, p->live_inputs, ""), *out = entries(p->output, p->outputs, "@output");
        [networks addObject: dictionary(@"Name", name, @"LiveInputList", in, @"LiveOutputList", out)];
        [described addObject: dictionary(@"ANEFModelProcedureID", number(i), @"ANEFModelInputSymbolIndexArray",
                                         range(p->first_input, p->live_inputs), @"ANEFModelOutputSymbolIndexArray",
                                         range(p->first_output, p->outputs))];
        [inputs addObjectsFromArray: [in valueForKey: @"Symbol"]];
        [outputs addObjectsFromArray: [out valueForKey: @"Symbol"]];
        [ids setObject: number(i) forKey: name];
    }
    NSMutableDictionary *model = [NSMutableDictionary dictionary];
    [model setObject: described forKey: @"ANEFModelProcedures"];
    [model setObject: inputs forKey: @"kANEFModelInputSymbolsArrayKey"];
    [model setObject: outputs forKey: @"kANEFModelOutputSymbolsArrayKey"];
    [model setObject: ids forKey: @"kANEFModelProcedureNameToIDMapKey"];
    return [NSDictionary dictionaryWithObjectsAndKeys: networks, @"NetworkStatusList", model, @"ANEFModelDescription", nil];
}
- (void) dealloc
{
    const char *why;
    if (program) engine(&why)->free(program);
    for (size_t i = 0; i < count; i++) free(procedures[i].input), free(procedures[i].output);
    free(procedures);
    [super dealloc];
}
@end
