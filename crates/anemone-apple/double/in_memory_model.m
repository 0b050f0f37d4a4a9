/* The model that is made of text: stages, compiles, loads, runs. */
#import "double.h"

/* The width of the quality of service; `DOUBLE_CHANGED` is a system that widened it. */
#ifdef DOUBLE_CHANGED
typedef unsigned long long qos_t;
#else
typedef unsigned qos_t;
#endif

@interface _ANEInMemoryModel : ANEObject
{
    _ANEInMemoryModelDescriptor *descriptor;
    NSString *hex;
    _ANEModel *model;
}
- (NSString *) localModelPath;
@end

static NSString *const MODEL_PATH = @"@model_path/";

/* Whether a file has these bytes; nil, or what is wrong with it. */
static NSString *against(NSString *path, NSData *bytes)
{
    NSData *found = [NSData dataWithContentsOfFile: path];
    if (!found) return [NSString stringWithFormat: @"%@ cannot be read", path];
    return [found isEqualToData: bytes] ? nil : [NSString stringWithFormat: @"%@ is not what was handed over", path];
}

@implementation _ANEInMemoryModel
+ (id) inMemoryModelWithDescriptor: (_ANEInMemoryModelDescriptor *)descriptor
{
    if (FAILS(NULL) || !descriptor) return nil;
    _ANEInMemoryModel *made = [self made];
    made->descriptor = [descriptor retain];
    made->hex = [[descriptor hexStringIdentifier] copy];
    made->model = [[_ANEModel modelAtURL: [NSURL fileURLWithPath: [made localModelPath]] key: @""] retain];
    return made;
}
- (NSString *) hexStringIdentifier { return FAILS(NULL) ? nil : [[hex retain] autorelease]; }
- (NSString *) localModelPath { return [NSTemporaryDirectory() stringByAppendingPathComponent: hex]; }
- (BOOL) isMILModel { return YES; }
- (id) sharedConnection { return [_ANEClient sharedConnection]; }
- (NSURL *) modelURL { return model->modelURL; }
#ifndef DOUBLE_OF_MACOS_12
- (_ANEModel *) model { return FAILS(NULL) ? nil : [[model retain] autorelease]; }
#endif
- (NSDictionary *) modelAttributes { return FAILS(NULL) ? nil : [[model->modelAttributes retain] autorelease]; }
- (_ANEProgramForEvaluation *) program { return model->program; }
- (unsigned long long) programHandle { return (unsigned long long)(uintptr_t)model->program; }
- (char) queueDepth { return model->program ? 127 : 0; }
- (unsigned long long) state { return model->state; }
- (unsigned) perfStatsMask { return model->perfStatsMask; }
- (void) setPerfStatsMask: (unsigned)mask { model->perfStatsMask = mask; }
- (BOOL) compiledModelExists { return FAILS(NULL) ? NO : [[_ANEClient sharedConnection] compiledModelExistsFor: model]; }
- (void) purgeCompiledModel
{
    if (!FAILS(NULL)) [[_ANEClient sharedConnection] purgeCompiledModel: model];
}
/* Writes what the framework writes by itself: the text again, and each weight file's first value under the name of its key,
   which is not the name that the text refers to. What is wrong with the folder, or nil. */
- (NSString *) saveModelFiles
{
    NSString *folder = [self localModelPath];
    if (![descriptor->networkText writeToFile: [folder stringByAppendingPathComponent: @"net.plist"] atomically: NO])
        return [NSString stringWithFormat: @"%@ is no folder that can be written to", folder];
    NSEnumerator *paths = [descriptor->weights keyEnumerator];
    NSString *path;
    while ((path = [paths nextObject])) {
        NSDictionary *inner = [descriptor->weights objectForKey: path];
        NSString *first = [[inner allKeys] objectAtIndex: 0];
        [[inner objectForKey: @"data"] writeToFile: [folder stringByAppendingPathComponent: first] atomically: NO];
    }
    return nil;
}
/* Whether the files are there that the compiler reads. */
- (NSString *) checkModelFiles
{
    NSString *folder = [self localModelPath];
    NSString *wrong = against([folder stringByAppendingPathComponent: @"model.mil"], descriptor->networkText);
    NSEnumerator *paths = [descriptor->weights keyEnumerator];
    NSString *path;
    while (!wrong && (path = [paths nextObject])) {
        if (![path hasPrefix: MODEL_PATH]) return [NSString stringWithFormat: @"%@ is no path of weights", path];
        NSString *file = [folder stringByAppendingPathComponent: [path substringFromIndex: [MODEL_PATH length]]];
        wrong = against(file, [[descriptor->weights objectForKey: path] objectForKey: @"data"]);
    }
    return wrong;
}
- (BOOL) compileWithQoS: (qos_t)qos options: (NSDictionary *)options error: (NSError **)error
{
    want_options(options);
    NSString *wrong = [self saveModelFiles];
    if (FAILS(error)) return NO;
    if (!wrong) wrong = [self checkModelFiles];
    if (wrong) {
        *error = ane_error(9, @"File access failure", wrong);
        return NO;
    }
    NSDictionary *with = [NSDictionary dictionaryWithObjectsAndKeys: @"kANEFModelMIL", @"kANEFModelType", nil];
    if (![[_ANEClient sharedConnection] compileModel: model options: with qos: qos error: error]) return NO;
    if (!model->state) model->state = 1;
    return YES;
}
- (BOOL) loadWithQoS: (unsigned)qos options: (NSDictionary *)options error: (NSError **)error
{
    want_options(options);
    if (FAILS(error)) return NO;
    return [[_ANEClient sharedConnection] loadModel: model options: options qos: qos error: error];
}
- (BOOL) evaluateWithQoS: (unsigned)qos options: (NSDictionary *)options request: (_ANERequest *)request
                   error: (NSError **)error
{
    want_options(options);
    if (FAILS(error)) return NO;
    if (!model->program) {
        *error = inference_error(@"the program is not loaded");
        return NO;
    }
    return [model->program processRequest: request model: nil qos: qos qIndex: 5 modelStringID: 0 options: options
                              returnValue: NULL error: error];
}
- (BOOL) unloadWithQoS: (unsigned)qos error: (NSError **)error
{
    if (FAILS(error)) return NO;
    NSDictionary *none = [NSDictionary dictionary];
    BOOL unloaded = [[_ANEClient sharedConnection] unloadModel: model options: none qos: qos error: error];
    if (unloaded) [[NSFileManager defaultManager] removeItemAtPath: [self localModelPath] error: NULL];
    return unloaded;
}
- (BOOL) mapIOSurfacesWithRequest: (_ANERequest *)request cacheInference: (BOOL)cache error: (NSError **)error
{
    return [[_ANEClient sharedConnection] mapIOSurfacesWithModel: model request: request cacheInference: cache error: error];
}
- (void) unmapIOSurfacesWithRequest: (_ANERequest *)request
{
    [[_ANEClient sharedConnection] unmapIOSurfacesWithModel: model request: request];
}
- (void) dealloc
{
    [descriptor release];
    [hex release];
    [model release];
    [super dealloc];
}
@end
