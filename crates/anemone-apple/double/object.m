/* Objects that are counted, and the two small ones that hold surfaces. */
#import "double.h"

@implementation ANEObject
+ (id) new { return nil; }
+ (id) made
{
    ANEObject *object = [[self alloc] autorelease];
    object->isCounted = YES;
    count_object(class_getName(self), 1);
    return object;
}
- (id) init
{
    [self release];
    return nil;
}
- (void) dealloc
{
    if (isCounted) count_object(class_getName([self class]), -1);
    [super dealloc];
}
@end

#ifndef DOUBLE_WITHOUT_SURFACE_OBJECT
@implementation _ANEIOSurfaceObject
+ (id) objectWithIOSurface: (IOSurfaceRef)surface
{
    if (FAILS(NULL) || !surface) return nil;
    _ANEIOSurfaceObject *object = [self made];
    object->surface = (IOSurfaceRef)CFRetain(surface);
    return object;
}
- (IOSurfaceRef) ioSurface { return surface; }
- (NSNumber *) startOffset { return [NSNumber numberWithInt: 0]; }
- (void) dealloc
{
    CFRelease(surface);
    [super dealloc];
}
@end
#endif
